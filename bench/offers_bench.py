"""`yingbin bench offers`: how long the decision at the visit takes, and whether anything unsuitable ever comes through.

The catalogue and the customers are generated (`offers_catalogue.py`); everything else is the product's own code: views
are made as the province makes them, sent as the feed sends them, decoded and decided as the city does at the visit. The
nightly inference and the portraits run over a synthetic bank, each in a process of its own, after it is written.
"""

import gc
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from bench.offers_catalogue import generated_catalogue
from bench.search_bench import run_module
from bench.synthetic_bank.bank import make_bank
from yingbin.feed_wire import Candidate, CardView, ContactNote
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.bank.reader import open_bank
from yingbin.offers.card import MARKETING, build_card_view
from yingbin.offers.catalogue import Catalogue, load_catalogue, parse_catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.decision.contact_policy import DAY_MS, History
from yingbin.offers.profile import Holding
from yingbin.offers.rules import general_list
from yingbin.wire import CameraRole, decode, encode

Say = Callable[[str], None]

PRODUCTS: Final = 200
RULES: Final = 300
_TODAY: Final = date(2026, 11, 23)
_AT_MS: Final = 1_795_406_400_000
"""Noon in China on that day."""
_SEED: Final = 11
_HALF_DAY_MS: Final = DAY_MS // 2
DECIDED: Final = 20_000
_AT_ONCE: Final = 250
_VISITS: Final = 4
"""Decisions a customer: where he stands, for what, how long the queue is."""


def run_offers_bench(
    folder: Path, customers: int, say: Say, decided: int = DECIDED, bank: Path | None = None
) -> dict[str, Any]:
    """Return what `--json` prints, with a bank of `customers` in the empty `folder` and decisions for `decided` people.

    `bank`: one that `yingbin bank make` has made, instead. Raises `InvalidInput` for too small a bank, `RunFailed`.
    """
    decided = min(customers, decided)
    if bank is None:
        bank = folder / "bank"
        say(f"writing a bank of {customers:,} customers")
        make_bank(bank, customers, _SEED)
    with open_bank(bank) as tables:
        customers = int(tables.execute("SELECT count(*) FROM customers").fetchall()[0][0])
    nightly = _nightly(folder, bank, say)
    catalogue = parse_catalogue(generated_catalogue(PRODUCTS, RULES, _SEED), "generated catalogue")
    views_ms, visits_ms, offered = _decisions(catalogue, decided, say)
    say("checking suitability")
    checks, violations = check_suitability((catalogue, load_catalogue()))
    say("shifting the clock")
    shifted, changed = check_time_shift(catalogue, decided)
    return {
        "data": "generated catalogue and customers, synthetic bank",
        "products": len(catalogue.products),
        "rules": len(catalogue.rules),
        "customers": customers,
        "customers_decided": decided,
        "decisions": len(visits_ms),
        "p50_ms": _percentile(visits_ms, 50),
        "p99_ms": _percentile(visits_ms, 99),
        "max_ms": round(max(visits_ms), 3),
        "card_view_p50_ms": _percentile(views_ms, 50),
        "card_view_p99_ms": _percentile(views_ms, 99),
        "offers_per_visit": round(offered / len(visits_ms), 2),
        "suitability_checks": checks,
        "suitability_violations": violations,
        "time_shift_decisions": shifted,
        "time_shift_changed": changed,
        **nightly,
    }


def _nightly(folder: Path, bank: Path, say: Say) -> dict[str, Any]:
    """Return seconds and MB of the nightly inference over `bank`, and of the portraits."""
    figures: dict[str, Any] = {}
    for job, out in (("nightly", "insights.parquet"), ("portrait", "portraits")):
        say(f"running the night's job: {job}")
        figures |= json.loads(run_module("bench.nightly_run", [job, str(bank), str(folder / out)]))
    return figures


def _decisions(catalogue: Catalogue, customers: int, say: Say) -> tuple[list[float], list[float], int]:
    """Return the times of making views and of deciding, ms, and how many offers there were."""
    rng = random.Random(_SEED)  # noqa: S311 - customers
    views_ms: list[float] = []
    visits_ms: list[float] = []
    offered = 0
    for first in range(0, customers, _AT_ONCE):
        raws = []
        for number in range(first, min(first + _AT_ONCE, customers)):
            record, history = _customer(number, rng), _history(catalogue, rng)
            began = time.perf_counter()
            view = build_card_view(record, "vip", {MARKETING}, catalogue, _TODAY, history)
            views_ms.append((time.perf_counter() - began) * 1e3)
            raws.append(encode(view))
        gc.collect()  # what the province left behind is no work of the city
        for raw, context in ((raw, context) for raw in raws for context in _visits(rng)):
            began = time.perf_counter()
            decision = arbitrate(decode(raw, CardView), context, _AT_MS)
            visits_ms.append((time.perf_counter() - began) * 1e3)
            offered += len(decision.offers)
        say(f"decided for {len(views_ms):,} of {customers:,} customers")
    return views_ms, visits_ms, offered


def check_suitability(catalogues: tuple[Catalogue, ...]) -> tuple[int, int]:
    """Offer every product at every risk level to every tolerance and assessment, alone and beside the general list.

    Return how many decisions were checked, and in how many an investment product came through that must not.
    """
    checks = violations = 0
    for catalogue in catalogues:
        general = general_list(catalogue)
        for code, product in catalogue.products.items():
            for risk, (tolerance, until_ms, valid) in itertools.product(range(6), _assessments()):
                candidate = Candidate(
                    code, product.name_zh, product.name_en, 1.0, risk, investment=risk > 0 or product.investment,
                    reason_zh="因", reason_en="why", category=product.category,
                )  # fmt: skip
                others = tuple(one for one in general if one.product != code)
                for personalised, candidates in ((True, (candidate, *others)), (False, (candidate,))):
                    view = _view(candidates, tolerance, until_ms, personalised=personalised)
                    offered = code in {offer.product for offer in arbitrate(view, Context(), _AT_MS).offers}
                    allowed = valid and 0 < risk <= tolerance if candidate.investment else True
                    checks += 1
                    violations += offered and not allowed
    return checks, violations


def check_time_shift(catalogue: Catalogue, customers: int) -> tuple[int, int]:
    """Decide for `customers` at some instant of a day's first half, and with all instants 12 hours later (C16).

    Return how many decisions were compared, and in how many anything came out otherwise.
    """
    rng = random.Random(_SEED)  # noqa: S311 - customers
    midnight_ms, compared, changed = _AT_MS - _HALF_DAY_MS, 0, 0
    for number in range(customers):
        record, history = _customer(number, rng), _history(catalogue, rng)
        at_ms = midnight_ms + rng.randrange(_HALF_DAY_MS)
        views = [build_card_view(record, "vip", {MARKETING}, catalogue, _TODAY, _later(history, shift_ms))
                 for shift_ms in (0, _HALF_DAY_MS)]  # fmt: skip
        for context in _visits(rng):
            early, late = (arbitrate(view, context, at_ms + n * _HALF_DAY_MS) for n, view in enumerate(views))
            compared += 1
            changed += early != late
    return compared, changed


def _later(history: History, shift_ms: int) -> History:
    notes = tuple(
        msgspec.structs.replace(
            note, shown_at_ms=tuple(at + shift_ms for at in note.shown_at_ms),
            last_refused_ms=note.last_refused_ms + shift_ms if note.refusals else 0,
        )
        for note in history.notes
    )  # fmt: skip
    return History(notes, tuple(at + shift_ms for at in history.contacted_at_ms), history.refused_last_visit)


def _assessments() -> Iterator[tuple[int, int, bool]]:
    """Yield tolerance (0: never assessed), until when it counts, and whether it does now."""
    for tolerance in range(6):
        for until_ms in (0, _AT_MS - 365 * DAY_MS, _AT_MS, _AT_MS + 1, _AT_MS + 365 * DAY_MS):
            yield tolerance, until_ms, tolerance > 0 and until_ms > _AT_MS


def _view(candidates: tuple[Candidate, ...], tolerance: int, until_ms: int, *, personalised: bool) -> CardView:
    return CardView("c", "", "", "", "vip_gold", "b", "", "vip", personalised, tolerance, until_ms, candidates, ())


def _customer(number: int, rng: random.Random) -> CustomerRecord:
    def fen(share: float, most: int) -> int:
        return int(rng.paretovariate(1.2) * 100_000) % most if rng.random() < share else 0

    time_fen = fen(0.5, 10**9)
    matures = rng.random() < 0.3
    profile = {
        "as_of": _TODAY,
        "demand_deposit_fen": fen(0.95, 10**9),
        "demand_idle_days": rng.randrange(200),
        "time_deposit_fen": time_fen,
        "time_deposit_maturing_fen": time_fen if matures else 0,
        "time_deposit_matures_on": _TODAY + timedelta(rng.randrange(90)) if matures else None,
        "wealth_product_fen": fen(0.4, 10**9),
        "fund_fen": fen(0.3, 10**9),
        "insurance_fen": fen(0.2, 10**8),
        "car_loan_fen": fen(0.2, 10**8),
        "mortgage_fen": fen(0.3, 10**9),
        "monthly_repayment_fen": fen(0.4, 10**6),
        "documented_monthly_income_fen": rng.randrange(300_000, 10**7) if rng.random() < 0.7 else None,
        "salary_day": rng.randint(1, 31) if rng.random() < 0.6 else None,
        "holdings": [holding for holding in Holding if rng.random() < 0.3],
        "risk_assessment": {
            "level": f"risk_c{rng.randint(1, 5)}",
            "valid_until": _TODAY + timedelta(rng.randrange(-100, 400)),
        }
        if rng.random() < 0.8
        else None,
    }
    return CustomerRecord.model_validate(
        {
            "customer_id": f"c-{number}", "full_name": "王客户", "birth_date": "1980-01-01", "tier": "vip_gold",
            "home_branch_id": "b-1", "rm_staff_id": "rm-1", "profile": profile,
        }
    )  # fmt: skip


def _history(catalogue: Catalogue, rng: random.Random) -> History:
    """Return what came of some earlier visits."""
    notes = []
    for code in rng.sample(sorted(catalogue.products), 8):
        at = tuple(sorted(_AT_MS - rng.randrange(90) * DAY_MS for _ in range(rng.randrange(4))))
        refusals = rng.randrange(3) if at else 0
        category = catalogue.products[code].category
        notes.append(ContactNote(code, category, refusals, at[-1] if refusals else 0, at))
    visits = sorted({at for note in notes for at in note.shown_at_ms})[-6:]
    return History(tuple(notes), tuple(visits), rng.random() < 0.2)


def _visits(rng: random.Random) -> Iterator[Context]:
    for role in rng.choices(list(CameraRole), k=_VISITS):
        context = Context(role, branch_id="b-1", waiting=rng.randrange(30), minutes=rng.randrange(30))
        yield msgspec.structs.replace(context, business=rng.choice(("", "cash", "transfer", "wealth", "loan")))


def _percentile(times_ms: list[float], percent: int) -> float:
    return round(float(np.percentile(times_ms, percent)), 3)
