"""From a profile to scored candidates with reasons, and to what not to offer and why. Pure: the day is passed in.

Score = propensity x value x lever of the season; the propensity is the rule's own, or what a model has learned. Contact
policy, levers of the visit and suitability are NOT applied here: they are checked at the visit (C11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

import msgspec

from yingbin.feed_wire import Avoid, Candidate
from yingbin.offers.catalogue import Catalogue, Product, Rule, in_force_ms
from yingbin.offers.decision.reasons import Why, Withheld, bands
from yingbin.offers.expression import Fact
from yingbin.offers.facts import facts, placeholder_values
from yingbin.offers.insights.effects import PROPENSITY, STRENGTH, SoftFact, lever, raised, resting
from yingbin.offers.profile import CHINA_TIME, Profile
from yingbin.offers.suitability import suitability_notes
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH

MAX_DEBT_SERVICE_RATIO = 0.55
"""商业银行房地产贷款风险管理指引 (CBRC 2004) art. 36: all instalments together, of documented income."""
GENERAL_PROPENSITY = 0.01
"""Of a product that no rule found: ranks below everything a rule did find."""
CREDIT = "credit"
"""Key of the `Avoid` lines about credit as a whole."""
LIKELY, POSSIBLE = 0.5, 0.25
"""Propensity from which an offer's confidence is high, and medium; below it is low."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """Every product of the catalogue, once: those worth raising, best first, and the others with the reason."""

    candidates: tuple[Candidate, ...]
    withheld: tuple[Withheld, ...]


@dataclass(slots=True)
class _Customer:
    """What the funnel looks at."""

    profile: Profile
    known: Mapping[str, Fact]
    as_of: str
    said: Mapping[str, int]
    learned: Mapping[str, float]
    no_credit: Avoid | None
    raised: Mapping[str, SoftFact]
    resting: Mapping[str, int]
    best: dict[str, tuple[float, Rule]] = field(default_factory=dict)


def assess(
    profile: Profile,
    catalogue: Catalogue,
    today: date,
    learned: Mapping[str, float] | None = None,
    soft: Sequence[SoftFact] = (),
) -> Assessed:
    """Take every product through eligibility and applicability, on `today` in China.

    `learned`: P(accept) by product from a model; where it has none, or nothing usable, the rules answer. `soft`: facts
    that raise a product, be it for a rule's reason or only for theirs, or let it rest; whatever they say, it must be
    eligible first. The general list fills the card, without what the customer holds already.
    """
    customer = _Customer(
        profile, facts(profile, today), profile.as_of.isoformat(), placeholder_values(profile), learned or {},
        credit_withheld(profile), raised(soft, today), resting(soft, today),
    )  # fmt: skip
    found: dict[str, Candidate] = {}
    withheld: dict[str, Withheld] = {}
    for code, product in catalogue.products.items():
        if fallen := _ineligible(product, catalogue, customer):
            withheld[code] = fallen
    _apply_rules(catalogue, customer, withheld)
    for code, product in catalogue.products.items():
        if code in customer.best:
            found[code] = _found(product, catalogue, customer, *customer.best[code])
        elif code not in withheld and code in customer.raised:
            found[code] = _raised(product, catalogue, customer, customer.raised[code])
        elif code not in withheld:
            withheld[code] = _no_reason(code, catalogue, customer)
    for candidate in general_list(catalogue):
        if withheld.get(candidate.product, _NO_REASON).why in _STILL_GENERAL:
            found.setdefault(candidate.product, candidate)
            withheld.pop(candidate.product, None)
    ranked = sorted(found.values(), key=lambda candidate: (-candidate.score, candidate.product))
    return Assessed(tuple(ranked), tuple(withheld.values()))


def candidates(profile: Profile, catalogue: Catalogue, today: date) -> tuple[Candidate, ...]:
    """Return the products worth raising, best first: what rules find, then the general list to fill the card."""
    return assess(profile, catalogue, today).candidates


def general_list(catalogue: Catalogue) -> tuple[Candidate, ...]:
    """Return the non-personalised list (C10): it depends on the catalogue only, and holds no investment or credit."""
    source = catalogue.sources[catalogue.general.source]
    since = catalogue.valid_from.isoformat()
    reason_zh = f"{catalogue.general.reason_zh}(来源:{source.zh},{since})"
    reason_en = f"{catalogue.general.reason_en} (source: {source.en}, {since})"
    return tuple(
        _candidate(catalogue.products[code], catalogue, GENERAL_PROPENSITY / place, reason_zh, reason_en)
        for place, code in enumerate(catalogue.general.products, start=1)
    )


def avoid(profile: Profile, today: date, soft: Sequence[SoftFact] = ()) -> tuple[Avoid, ...]:
    """Return what not to offer, in the allowed wording (C15): investments above tolerance, credit without capacity.

    A soft fact says of credit what an undocumented income does, and no more.
    """
    at_ms = int(datetime.combine(today, time.min, CHINA_TIME).timestamp() * 1000)
    notes = suitability_notes(*risk_of(profile), at_ms)
    withheld = credit_withheld(profile)
    until = resting(soft, today)
    if withheld is None and until:
        withheld = Avoid(CREDIT, INCOME_GAP_ZH, INCOME_GAP_EN, max(until.values()))
    return (*notes, withheld) if withheld else notes


def credit_withheld(profile: Profile) -> Avoid | None:
    """Return why no credit is suggested: income not documented, or instalments above the supervisor's cap."""
    ratio = profile.debt_service_ratio
    if ratio is None:
        return Avoid(CREDIT, INCOME_GAP_ZH, INCOME_GAP_EN)
    if ratio > MAX_DEBT_SERVICE_RATIO:
        return Avoid(
            CREDIT,
            "现有还款安排已较多,不主动推荐信贷;客户申请照常受理",
            "Instalments already take a large share of income: do not raise credit; an application is handled as usual",
        )
    return None


def risk_of(profile: Profile) -> tuple[int, int]:
    """Return tolerance (1..5; 0 for none) and the UTC millisecond at which the assessment expires."""
    assessment = profile.risk_assessment
    return (assessment.tolerance, assessment.valid_until_ms) if assessment else (0, 0)


def confidence_of(propensity: float) -> str:
    """Return high, medium or low: how often such a suggestion is expected to be taken up."""
    return "high" if propensity >= LIKELY else "medium" if propensity >= POSSIBLE else "low"


_NO_REASON = Withheld("", "no_reason")
_STILL_GENERAL: frozenset[Why] = frozenset({"no_reason", "below_minimum"})
"""Why the profile gives no reason for a product of the general list, which is then still on it, as for everybody."""


def _ineligible(product: Product, catalogue: Catalogue, customer: _Customer) -> Withheld | None:
    """Return why a product is out of the question whatever the rules say, None when it is not."""
    condition = catalogue.eligible.get(product.code)
    if condition is not None and not condition.holds(customer.known):
        return _withheld(product, "not_eligible", condition.text, customer, condition.facts)
    if product.holding in customer.profile.holdings:
        return _withheld(product, "held_already", f"holds_{product.holding}", customer, {f"holds_{product.holding}"})
    if product.credit and customer.no_credit:
        if customer.profile.debt_service_ratio is None:
            return _withheld(product, "income_gap", "income_documented", customer, {"income_documented"})
        rule = f"debt_service_ratio <= {MAX_DEBT_SERVICE_RATIO}"
        return _withheld(product, "debt_service", rule, customer, {"debt_service_ratio"})
    if product.min_amount_fen > customer.profile.purchasing_power_fen:
        rule = "purchasing_power_fen >= min_amount_fen"
        return _withheld(product, "below_minimum", rule, customer, {"purchasing_power_fen"})
    return None


def _apply_rules(catalogue: Catalogue, customer: _Customer, withheld: Mapping[str, Withheld]) -> None:
    """Note the strongest rule of each product that holds."""
    for rule in catalogue.rules:
        code = rule.text.product
        before = customer.best.get(code)
        better = code not in withheld and (before is None or rule.text.propensity > before[1].text.propensity)
        if better and rule.condition.holds(customer.known):
            learned = customer.learned.get(code, 0.0)
            customer.best[code] = (learned if 0 < learned <= 1 else rule.text.propensity, rule)


def _found(product: Product, catalogue: Catalogue, customer: _Customer, propensity: float, rule: Rule) -> Candidate:
    source = catalogue.sources[rule.text.source]
    reason_zh = f"{rule.text.reason_zh.format(**customer.said)}(来源:{source.zh},{customer.as_of})"
    reason_en = f"{rule.text.reason_en.format(**customer.said)} (source: {source.en}, {customer.as_of})"
    score = propensity * product.value * product.lever
    candidate = _candidate(
        product, catalogue, score, reason_zh, reason_en, rule=rule.text.id, confidence=confidence_of(propensity)
    )
    return _with_soft_facts(candidate, customer, explains=True)


def _raised(product: Product, catalogue: Catalogue, customer: _Customer, fact: SoftFact) -> Candidate:
    """Return a product that no rule found: the fact is its reason as long as it holds."""
    score = PROPENSITY * product.value * product.lever
    confidence = confidence_of(PROPENSITY * STRENGTH[fact.state])
    candidate = _candidate(
        product, catalogue, score, fact.reason_zh, fact.reason_en, rule=fact.insight, confidence=confidence
    )
    candidate = msgspec.structs.replace(candidate, holds_until_ms=fact.until_ms)
    return _with_soft_facts(candidate, customer, explains=False)


def _with_soft_facts(candidate: Candidate, customer: _Customer, *, explains: bool) -> Candidate:
    fact, levers = customer.raised.get(candidate.product), candidate.levers
    return msgspec.structs.replace(
        candidate,
        levers=(*levers, lever(fact, explains=explains)) if fact else levers,
        rests_until_ms=customer.resting.get(candidate.product, 0),
    )


def _no_reason(code: str, catalogue: Catalogue, customer: _Customer) -> Withheld:
    """Return that no rule speaks for a product, with what the rules about it looked at."""
    tried = catalogue.rules_about.get(code, ())
    looked_at = frozenset[str]().union(*(rule.condition.facts for rule in tried))
    ids = ", ".join(rule.text.id for rule in tried)
    return _withheld(catalogue.products[code], "no_reason", ids, customer, looked_at)


def _withheld(
    product: Product, why: Why, rule: str, customer: _Customer, looked_at: frozenset[str] | set[str]
) -> Withheld:
    return Withheld(product.code, why, rule, bands(looked_at, customer.known), f"profile, {customer.as_of}")


def _candidate(
    product: Product,
    catalogue: Catalogue,
    score: float,
    reason_zh: str,
    reason_en: str,
    rule: str = "",
    confidence: str = "",
) -> Candidate:
    valid_from_ms, valid_until_ms = in_force_ms(product.valid_from, product.valid_until)
    return Candidate(
        product=product.code,
        name_zh=product.name_zh,
        name_en=product.name_en,
        score=score,
        risk_level=product.risk_level,
        investment=product.investment,
        reason_zh=reason_zh,
        reason_en=reason_en,
        talking_point_zh=product.talking_point_zh,
        talking_point_en=product.talking_point_en,
        category=product.category,
        excludes=catalogue.excludes.get(product.code, ()),
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        levers=catalogue.levers.get(product.code, ()),
        rule=rule,
        confidence=confidence,
    )
