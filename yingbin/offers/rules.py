"""From a profile to scored candidates with reasons, and to what not to offer. Pure: the day is passed in.

This is the seam of the brain: whatever ranks candidates later (models, insights) returns the same types.
Score = propensity x value x lever. Suitability is NOT applied here: it is checked at the visit (C11).
"""

from datetime import date, datetime, time

from yingbin.feed_wire import Avoid, Candidate
from yingbin.offers.catalogue import Catalogue, Product
from yingbin.offers.facts import facts, placeholder_values
from yingbin.offers.profile import CHINA_TIME, Profile
from yingbin.offers.suitability import suitability_notes
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH

MAX_DEBT_SERVICE_RATIO = 0.55
"""商业银行房地产贷款风险管理指引 (CBRC 2004) art. 36: all instalments together, of documented income."""
GENERAL_PROPENSITY = 0.01
"""Of a product that no rule found: ranks below everything a rule did find."""
CREDIT = "credit"
"""Key of the `Avoid` lines about credit as a whole."""


def candidates(profile: Profile, catalogue: Catalogue, today: date) -> tuple[Candidate, ...]:
    """Return one candidate per product, best first: what rules find, then the general list to fill the card.

    Left out: what the customer holds already, and credit where `credit_withheld`.
    """
    known = facts(profile, today)
    values = placeholder_values(profile)
    as_of = profile.as_of.isoformat()
    no_credit = credit_withheld(profile)
    found: dict[str, Candidate] = {}
    for rule in catalogue.rules:
        product = catalogue.products[rule.text.product]
        if product.holding in profile.holdings or (product.credit and no_credit):
            continue
        score = rule.text.propensity * product.value * product.lever
        best = found.get(product.code)
        if (best is None or score > best.score) and rule.condition.holds(known):
            source = catalogue.sources[rule.text.source]
            reason_zh = f"{rule.text.reason_zh.format(**values)}(来源:{source.zh},{as_of})"
            reason_en = f"{rule.text.reason_en.format(**values)} (source: {source.en}, {as_of})"
            found[product.code] = _candidate(product, score, reason_zh, reason_en)
    for candidate in general_list(catalogue):
        if catalogue.products[candidate.product].holding not in profile.holdings:
            found.setdefault(candidate.product, candidate)
    return tuple(sorted(found.values(), key=lambda candidate: (-candidate.score, candidate.product)))


def general_list(catalogue: Catalogue) -> tuple[Candidate, ...]:
    """Return the non-personalised list (C10): it depends on the catalogue only, and holds no investment or credit."""
    source = catalogue.sources[catalogue.general.source]
    since = catalogue.valid_from.isoformat()
    reason_zh = f"{catalogue.general.reason_zh}(来源:{source.zh},{since})"
    reason_en = f"{catalogue.general.reason_en} (source: {source.en}, {since})"
    return tuple(
        _candidate(catalogue.products[code], GENERAL_PROPENSITY / place, reason_zh, reason_en)
        for place, code in enumerate(catalogue.general.products, start=1)
    )


def avoid(profile: Profile, today: date) -> tuple[Avoid, ...]:
    """Return what not to offer, in the allowed wording (C15): investments above tolerance, credit without capacity."""
    at_ms = int(datetime.combine(today, time.min, CHINA_TIME).timestamp() * 1000)
    notes = suitability_notes(*risk_of(profile), at_ms)
    withheld = credit_withheld(profile)
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


def _candidate(product: Product, score: float, reason_zh: str, reason_en: str) -> Candidate:
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
    )
