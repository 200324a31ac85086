"""The bank's app: forms with the seconds they took, product pages with their dwell, searches."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.contracts import SERVICES
from bench.synthetic_bank.days import DAYS, Bools, Floats, Ints
from bench.synthetic_bank.ledger import firms, round_to
from bench.synthetic_bank.products import CODES, OFFERED, PRODUCTS, number
from bench.synthetic_bank.truth import Cast

FORMS: Final = ("wealth", "credit", "account", "insurance")
_FIELDS: Final = np.array([18, 22, 14, 20])
_THEMES: Final = ("travel", "tax", "stocks", "housing", "education", "health/clinic", "legal/debt", "religion/temple")
TOPICS: Final = CODES + _THEMES
_THEME_WEIGHT: Final = np.array([3, 2, 3, 2, 2, 0.5, 0.3, 0.2])
_BROKERS: Final = 6211
_LENDERS: Final = 6012
_PATIENT_S: Final = 11.0
"""Seconds a field takes most people; `_PRACTISED_S` those who know the questions, `_HASTY_S` those who do not read."""
_PRACTISED_S: Final = 3.6
_HASTY_S: Final = 2.0


def make_browsing(block: Block) -> None:
    """Make everything that happens in the app."""
    rng, people = block.rng(14), block.people
    _everybody(block, rng)
    newcomers = people.digital & (people.opened > 0) & (people.opened < 310) & (people.age > 22)
    _experienced(block, rng, Cast(rng, people.n), newcomers)
    _credit(block, rng, Cast(rng, people.n), people.digital & (people.opened < 0) & (people.age > 22))
    _interests(block, rng, Cast(rng, people.n), people.digital & (people.opened < 150) & (people.age >= 20))


def _fill(
    block: Block, rng: np.random.Generator, who: Ints, form: str, per_field_s: Floats | float, *,
    fields: Ints | int | None = None, completed: Bools | bool = True, day: Ints | None = None, hours: str = "evening",
) -> None:  # fmt: skip
    """Fill a form; seconds are log-normal around fields x `per_field_s`."""
    people, n = block.people, len(who)
    since = np.maximum(people.opened[who], 0) + 1
    when = since + (rng.random(n) * (DAYS - 1 - since)).astype(np.int64) if day is None else day
    count = np.broadcast_to(_FIELDS[FORMS.index(form)] if fields is None else np.asarray(fields), n)
    slow = 1.0 + np.maximum(people.age[who] - 50, 0) / 60
    seconds = count * per_field_s * slow * rng.lognormal(0, 0.22, n)
    second = block.seconds(rng, n, "night" if hours == "night" else "evening")
    block.event(
        "form_events", who, day=when, second=second, form=FORMS.index(form), fields=count,
        seconds=np.round(seconds.clip(1, 7_200), 1), completed=completed,
    )  # fmt: skip


def _everybody(block: Block, rng: np.random.Generator) -> None:
    """Forms, pages and searches of no consequence."""
    people = block.people
    able = np.flatnonzero(people.digital & (people.opened < 340))
    for form, rate in (("wealth", 0.12), ("credit", 0.05), ("account", 0.08), ("insurance", 0.03)):
        who = able[rng.random(len(able)) < rate]
        done = rng.random(len(who)) < 0.8
        _fill(block, rng, who, form, _PATIENT_S * rng.lognormal(0, 0.3, len(who)), completed=done)
    viewers = np.repeat(able, rng.poisson(5.0, len(able)))
    pages = np.array(OFFERED)[rng.integers(0, len(OFFERED), len(viewers))]
    _view(block, rng, viewers, pages, rng.lognormal(1.9, 0.8, len(viewers)), rng.random(len(viewers)) < 0.85)
    searchers = np.repeat(able, rng.poisson(1.6, len(able)))
    theme = rng.choice(len(_THEMES), len(searchers), p=_THEME_WEIGHT / _THEME_WEIGHT.sum()) + len(CODES)
    _search(block, rng, searchers, np.where(rng.random(len(searchers)) < 0.35,
            rng.integers(OFFERED[0], len(CODES), len(searchers)), theme))  # fmt: skip


def _when(block: Block, rng: np.random.Generator, who: Ints, last_days: int = DAYS) -> Ints:
    since = np.maximum(np.maximum(block.people.opened[who], 0) + 1, DAYS - last_days)
    return np.asarray(since + rng.random(len(who)) * (DAYS - since), np.int64)


def _view(
    block: Block, rng: np.random.Generator, who: Ints, product: Ints, dwell_s: Floats, focused: Bools | bool,
    last_days: int = DAYS,
) -> None:  # fmt: skip
    block.event(
        "ad_events", who, session=rng.integers(0, 2**40, len(who)), day=_when(block, rng, who, last_days),
        second=block.seconds(rng, len(who), "evening"), product=product, dwell=np.round(dwell_s.clip(0.3, 7_200), 1),
        focused=focused,
    )  # fmt: skip


def _search(block: Block, rng: np.random.Generator, who: Ints, topic: Ints, last_days: int = DAYS) -> None:
    block.event(
        "search_events", who, day=_when(block, rng, who, last_days),
        second=block.seconds(rng, len(who), "evening"), topic=topic,
    )  # fmt: skip


def _experienced(block: Block, rng: np.random.Generator, cast: Cast, newcomers: Bools) -> None:
    """Let newcomers who invest elsewhere fill the wealth form as if by heart; others are quick for other reasons."""
    people = block.people
    real = cast.take(newcomers & (people.income > 0), 0.010)
    _fill(block, rng, real, "wealth", _PRACTISED_S)
    signs = real[rng.random(len(real)) < 0.85]
    payer = np.repeat(signs, rng.poisson(5, len(signs)) + 2)
    amount = round_to(rng.lognormal(13.2, 0.8, len(payer)), 100_000)
    _with_merchant(block, rng, payer, amount * rng.choice([-1, -1, 1], len(payer)), _BROKERS)
    custody = signs[rng.random(len(signs)) < 0.4]
    block.event("services", custody, service=SERVICES.index("custody"), day=people.opened[custody] + 3)
    people.assessed[real] = np.maximum(people.appetite[real], 3)
    block.truth.trait("experienced_elsewhere", real)

    abandoned = cast.take(newcomers, 0.006)
    _fill(block, rng, abandoned, "wealth", _PRACTISED_S, completed=False)
    block.truth.look_alike("abandoned_form", abandoned)
    helped = cast.take(newcomers, 0.006)
    _fill(block, rng, helped, "wealth", _PRACTISED_S)
    block.truth.look_alike("clerk_filled", helped)
    again = cast.take(newcomers & (people.opened < 200), 0.005)
    first = people.opened[again] + rng.integers(3, 40, len(again))
    _fill(block, rng, again, "wealth", _PATIENT_S, day=first)
    _fill(block, rng, again, "wealth", _PRACTISED_S, day=first + rng.integers(10, 60, len(again)))
    block.truth.look_alike("repeat_form", again)


def _with_merchant(block: Block, rng: np.random.Generator, who: Ints, amount: Ints, mcc: int) -> None:
    """Transfer to (-) or from (+) a firm of a category: brokers, lenders."""
    block.ledger.book(
        block.people.demand[who], day=_when(block, rng, who), second=block.seconds(rng, len(who)), amount=amount,
        kind=kind("transfer"), channel=channel("mobile"), party=firms(rng, mcc, len(who)),
        party_kind=party("merchant"), mcc=mcc, memo=memo("loan") if mcc == _LENDERS else 0,
    )  # fmt: skip


def _credit(block: Block, rng: np.random.Generator, cast: Cast, able: Bools) -> None:
    """Let people short of money rush through the form and owe lenders elsewhere; others are merely quick or late."""
    people = block.people
    hasty = cast.take(able & (people.age < 55) & ~block.truth.has("night_nurse", people.n), 0.010)
    _fill(block, rng, hasty, "credit", _HASTY_S)
    borrowers = hasty[rng.random(len(hasty)) < 0.85]
    payer = np.repeat(borrowers, rng.poisson(9, len(borrowers)) + 4)
    amount = round_to(rng.lognormal(12.0, 0.5, len(payer)), 1_000)
    _with_merchant(block, rng, payer, amount * rng.choice([-1, -1, -1, 1], len(payer)), _LENDERS)
    block.truth.trait("hasty_credit", hasty)

    known = cast.take(able, 0.010)
    _fill(block, rng, known, "credit", _PATIENT_S * 0.6, fields=rng.integers(4, 7, len(known)))
    block.truth.look_alike("prefilled_form", known)
    called = cast.take(able, 0.010)
    _fill(block, rng, called, "credit", _PATIENT_S * rng.lognormal(1.6, 0.4, len(called)))
    block.truth.look_alike("interrupted_form", called)
    nurses = np.flatnonzero(block.truth.has("night_nurse", people.n) & people.digital & (people.opened < 340))
    _fill(block, rng, nurses, "credit", _PATIENT_S, hours="night")


def _interests(block: Block, rng: np.random.Generator, cast: Cast, able: Bools) -> None:
    """Who is interested comes back to a page, stays, searches; a phone left lying does so only once or unattended."""
    people = block.people
    keen = cast.take(able, 0.10)
    product = np.array(OFFERED)[rng.integers(0, len(OFFERED), len(keen))]
    # Nobody may be offered what his assessment does not bear, but interest is free: appetite bounds it loosely.
    risk = np.array([entry.risk for entry in PRODUCTS])[product]
    product = np.where(risk > people.appetite[keen] + 1, number("wealth_r1"), product)
    sessions = rng.integers(3, 8, len(keen))
    who, page = np.repeat(keen, sessions), np.repeat(product, sessions)
    _view(block, rng, who, page, rng.lognormal(4.1, 0.45, len(who)), focused=True, last_days=100)
    looked = rng.random(len(keen)) < 0.75
    times = rng.integers(1, 5, int(looked.sum()))
    _search(block, rng, np.repeat(keen[looked], times), np.repeat(product[looked], times), last_days=100)
    for code in np.unique(product).tolist():
        those = product == code
        block.truth.trait(f"interest:{CODES[code]}", keen[those], rng.uniform(0.5, 1.0, int(those.sum())))

    left = cast.take(able, 0.06)
    sessions = rng.integers(1, 5, len(left))
    who = np.repeat(left, sessions)
    page = np.repeat(np.array(OFFERED)[rng.integers(0, len(OFFERED), len(left))], sessions)
    _view(block, rng, who, page, rng.lognormal(7.0, 0.6, len(who)), rng.random(len(who)) < 0.25, last_days=100)
    block.truth.look_alike("phone_left_open", left)
    once = cast.take(able, 0.06)
    page = np.array(OFFERED)[rng.integers(0, len(OFFERED), len(once))]
    _view(block, rng, once, page, rng.lognormal(4.8, 0.4, len(once)), focused=True, last_days=100)
    block.truth.look_alike("one_long_session", once)
