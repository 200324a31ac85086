"""A year of visits: what a known random policy offered, with which probability, and what came of it."""

from datetime import date
from typing import Final

import numpy as np

from bench.synthetic_bank.acceptance import SAVING, Logits, added
from bench.synthetic_bank.block import Block
from bench.synthetic_bank.contracts import PURPOSES, SERVICES
from bench.synthetic_bank.days import DAYS, OFF, PAYDAYS, Bools, Floats, Ints, index
from bench.synthetic_bank.holdings import ACCOUNT_OF, RISK_OF, Purchases
from bench.synthetic_bank.ledger import round_to
from bench.synthetic_bank.products import CODES, FLAT_MARGIN_FEN, OFFERED, PRODUCTS, number

CAMPAIGNS: Final = (
    ("time_deposit", date(2025, 9, 20), date(2025, 10, 20)), ("wealth_r2", date(2025, 11, 1), date(2025, 11, 30)),
    ("large_certificate", date(2026, 1, 10), date(2026, 2, 14)), ("fund_index", date(2026, 3, 1), date(2026, 3, 31)),
    ("platinum_card", date(2026, 4, 10), date(2026, 5, 10)), ("precious_metal", date(2026, 1, 20), date(2026, 2, 20)),
    ("overseas_card", date(2025, 7, 10), date(2025, 8, 31)), ("mobile_bank", date(2026, 6, 1), date(2026, 6, 30)),
)  # fmt: skip
REASONS: Final = ("no_need", "later", "too_risky", "has_elsewhere", "terms")
KINDS: Final = ("shown", "accepted", "refused", "ignored", "sold")
POLICIES: Final = ("logged_softmax", "general")
_RANKS: Final = 3
_EXPLORED: Final = 0.1
"""Share of choices made evenly among all that is eligible: every product keeps a probability."""
_HOLDOUT: Final = 0.02
_GENERAL: Final = np.array([number(code) for code in ("mobile_bank", "time_deposit", "sms")])
_TERM_DAYS: Final = 365
_FROM_FEN: Final = {"large_certificate": 20_000_000, "private_banking": 100_000_000}
"""Assets below which a product is not offered."""
_COOL_DAYS: Final = 90
_CREDIT: Final = np.array([product.category == "loan" for product in PRODUCTS])
_YEARLY_MARGIN: Final = np.array([product.margin for product in PRODUCTS])
_FLAT: Final = np.array([FLAT_MARGIN_FEN.get(product.category, 0) for product in PRODUCTS])


def make_visits(block: Block, logits: Logits, planned: Purchases) -> Purchases:
    """Write decisions and outcomes of the year; returns what was sold and opens an account."""
    rng, people = block.rng(18), block.people
    base = np.where(people.age > 55, 2.0, 1.0) * np.where(people.assets > 20_000_000, 1.8, 0.8)
    visits = np.where((people.opened < 0) & (people.age >= 18), rng.poisson(base), 0)
    days = np.sort(rng.integers(1, DAYS - 2, (people.n, max(int(visits.max(initial=0)), 1))), axis=1)
    days = np.where(OFF[days] & (rng.random(days.shape) < 0.8), np.maximum(days - 2, 1), days)
    holdout = rng.random(people.n) < _HOLDOUT
    consent = _marketing(block)
    situation = _Situation(block, planned)
    refused = np.full((people.n, len(PRODUCTS)), -10_000)
    last = np.full(people.n, -1)
    numbered, sold = 0, []
    for turn in range(int(visits.max(initial=0))):
        who = np.flatnonzero((visits > turn) & (days[:, turn] > last))
        day = days[who, turn]
        last[who] = day
        personal = (consent[who] <= day) & (day < consent[who + people.n]) & ~holdout[who]
        second = block.seconds(rng, len(who), "day").clip(32_400, 61_000)
        shown, chance = _choose(rng, _score(block, who, day, situation), personal)
        visit = numbered + np.arange(len(who))
        numbered += len(who)
        for rank in range(_RANKS):
            product = shown[:, rank]
            block.event(
                "decisions", who, visit=visit, day=day, second=second, policy=np.where(personal, 0, 1),
                product=product, rank=rank + 1, probability=chance[:, rank], holdout=holdout[who],
            )  # fmt: skip
            logit = logits[who, product] + situation.adds(who, day, product, refused)
            if rank:
                logit += added(f"rank_{rank + 1}")[product]
            sold.append(_outcome(block, rng, (who, day, second, visit), product, logit, refused))
    bought = Purchases(*(np.concatenate([part[i] for part in sold] or [np.zeros(0, np.int64)]) for i in range(5)))
    return bought.only(ACCOUNT_OF[bought.product] >= 0)


class _Situation:
    """What holds at a visit: payday, maturing money, campaigns."""

    def __init__(self, block: Block, planned: Purchases) -> None:
        people = block.people
        self.maturing = np.zeros((people.n, DAYS), bool)
        self.payday = np.zeros((people.n, DAYS), bool)
        due = planned.matures
        for before in range(15):
            inside = (due - before >= 0) & (due - before < DAYS)
            self.maturing[planned.who[inside], due[inside] - before] = True
        paid = np.flatnonzero(people.payroll)
        for month in range(PAYDAYS.shape[1]):
            for after in range(4):
                self.payday[paid, np.minimum(PAYDAYS[people.payday[paid], month] + after, DAYS - 1)] = True
        self.campaign = np.zeros((len(PRODUCTS), DAYS), bool)
        for code, starts, ends in CAMPAIGNS:
            self.campaign[number(code), index(starts) : index(ends) + 1] = True

    def adds(self, who: Ints, day: Ints, product: Ints, refused: Ints) -> Floats:
        """Return what the situation adds to the logit of one product a visit."""
        return np.asarray(
            added("maturing")[product] * self.maturing[who, day]
            + added("payday")[product] * self.payday[who, day]
            + added("campaign")[product] * self.campaign[product, day]
            + added("refused_before")[product] * (day - refused[who, product] <= _COOL_DAYS)
        )


def _marketing(block: Block) -> Ints:
    """Return when marketing consent begins for each customer, then when it ends for each."""
    n = block.people.n
    spans: Ints = np.r_[np.full(n, 100_000), np.full(n, -100_000)]
    for part in block.events.get("consents", ()):
        those = part["purpose"] == PURPOSES.index("marketing")
        who, gone = part["customer"][those], part["withdrawn"][those]
        spans[who] = part["day"][those] + 1
        spans[who + n] = np.where(gone < -10_000, 100_000, gone)
    return spans


def _score(block: Block, who: Ints, day: Ints, situation: _Situation) -> Floats:
    """Score products by what the bank sees; minus infinity for what may not be offered (C11, no income documents)."""
    people = block.people
    wealth = np.log10(np.maximum(people.assets[who], 100_000) / 10_000_000)
    score = np.tile(np.array([0.6 * product.base_logit for product in PRODUCTS]), (len(who), 1))
    score += np.where(RISK_OF > 0, 0.3 * wealth[:, None], 0.0)
    score[:, SAVING] += 0.8 * situation.maturing[who, day][:, None] + 0.3 * situation.payday[who, day][:, None]
    score += 0.6 * situation.campaign[:, day].T
    until = people.assessed_on[who] + np.where(people.renewed[who], 724, 364)
    since = np.maximum(people.assessed_on[who] - 720, people.opened[who] + 360)
    valid = (people.assessed[who] > 0) & (since < day) & (day <= until)
    level = np.where(valid, people.assessed[who], 0)
    score[(RISK_OF[None, :] > level[:, None])] = -np.inf
    score[np.ix_(~people.documented[who], _CREDIT)] = -np.inf
    for code, least_fen in _FROM_FEN.items():
        score[people.assets[who] < least_fen, number(code)] = -np.inf
    score[:, : OFFERED[0]] = -np.inf
    return score


def _choose(rng: np.random.Generator, score: Floats, personal: Bools) -> tuple[Ints, Floats]:
    """Draw three products a visit without replacement; each with its probability given those before it."""
    score = score.copy()
    rows = np.arange(len(score))
    shown, chance = np.zeros((len(score), _RANKS), np.int64), np.ones((len(score), _RANKS))
    for rank in range(_RANKS):
        weight = np.exp(score - score.max(axis=1, initial=-50.0, keepdims=True))
        even = np.isfinite(score) / np.isfinite(score).sum(axis=1, keepdims=True)
        share = (1 - _EXPLORED) * weight / weight.sum(axis=1, keepdims=True) + _EXPLORED * even
        ladder = np.cumsum(share, axis=1)
        at = (ladder < rng.random(len(score))[:, None] * ladder[:, -1:]).sum(axis=1)
        shown[:, rank] = np.where(personal, at, _GENERAL[rank])
        chance[:, rank] = np.where(personal, share[rows, at], 1.0)
        score[rows, at] = -np.inf
    return shown, chance


def _outcome(
    block: Block, rng: np.random.Generator, visit: tuple[Ints, Ints, Ints, Ints], product: Ints, logit: Floats,
    refused: Ints,
) -> tuple[Ints, Ints, Ints, Ints, Ints]:  # fmt: skip
    """Draw what came of one product a visit; returns what was sold, as columns of `Purchases`."""
    who, day, second, number_ = visit
    n = len(who)
    accepted = rng.random(n) < 1 / (1 + np.exp(-logit))
    declined = ~accepted & (rng.random(n) < 0.45)
    reason = rng.choice(len(REASONS), n, p=[0.4, 0.3, 0.05, 0.15, 0.1])
    refused[who[declined], product[declined]] = day[declined]
    answered = second + rng.integers(240, 1_200, n)
    answer = np.where(accepted, KINDS.index("accepted"), np.where(declined, KINDS.index("refused"), 3))
    signs = accepted & (rng.random(n) < 0.75)
    amount = round_to(np.clip(block.people.assets[who] * rng.uniform(0.05, 0.25, n), 1_000_000, 2e9), 1_000_000)
    margin = np.rint(amount * _YEARLY_MARGIN[product]).astype(np.int64) + _FLAT[product]
    columns = {"visit": number_, "day": day, "product": product}
    for mask, name, when, why, gain in (
        (np.ones(n, bool), "shown", second, -1, 0), (np.ones(n, bool), "", answered, reason, 0),
        (signs, "sold", answered + 600, -1, margin),
    ):  # fmt: skip
        kinds = np.full(n, KINDS.index(name)) if name else answer
        why_not = np.where(kinds == KINDS.index("refused"), why, -1)
        block.event(
            "outcomes", who[mask], **{key: value[mask] for key, value in columns.items()}, second=when[mask],
            kind=kinds[mask], reason=why_not[mask], margin=np.broadcast_to(gain, n)[mask],
        )  # fmt: skip
    service = signs & np.isin(product, [CODES.index(code) for code in SERVICES[:3]])
    block.event(
        "services", who[service], day=day[service],
        service=np.array([SERVICES.index(CODES[p]) for p in product[service].tolist()], np.int64),
    )  # fmt: skip
    term = np.where(np.isin(product, SAVING) & (product != number("fund_money")), _TERM_DAYS, 0)
    return who[signs], day[signs] + 1, product[signs], term[signs], amount[signs]
