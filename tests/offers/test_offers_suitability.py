"""C11 through the real decision: no risk level, tolerance, assessment, product or context lets anything through."""

from itertools import product as combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.offers_bench import check_suitability
from yingbin.feed_wire import Candidate, CardView, Lever
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.catalogue import Catalogue, load_catalogue
from yingbin.offers.decision.contact_policy import DAY_MS
from yingbin.offers.entries import Regime
from yingbin.wire import CameraRole

AT_MS = 1_772_416_800_000
CATALOGUE = load_catalogue()


def view(candidates: tuple[Candidate, ...], tolerance: int, until_ms: int, *, personalised: bool = True) -> CardView:
    return CardView("c", "李", "先生", "Mr", "t", "b", "s", "vip", personalised, tolerance, until_ms, candidates, ())


def candidate(code: str, score: float = 1.0, risk: int | None = None) -> Candidate:
    one = CATALOGUE.products[code]
    level = one.risk_level if risk is None else risk
    return Candidate(code, "甲", "A", score, level, one.investment, "因", "why", category=one.category,
                     levers=CATALOGUE.levers.get(code, ()))  # fmt: skip


@pytest.mark.parametrize("role", list(CameraRole))
@pytest.mark.parametrize("personalised", [True, False])
def test_C11_every_product_tolerance_and_assessment(role: CameraRole, personalised: bool) -> None:
    checks = 0
    for code, one in CATALOGUE.products.items():
        levels = range(6) if one.investment else (0,)
        for risk, tolerance, until_ms in combinations(levels, range(6), (0, AT_MS - DAY_MS, AT_MS, AT_MS + 1)):
            seen = view((candidate(code, risk=risk),), tolerance, until_ms, personalised=personalised)
            offered = [offer.product for offer in arbitrate(seen, Context(role), AT_MS).offers]
            suitable = not one.investment or (tolerance > 0 and until_ms > AT_MS and 1 <= risk <= tolerance)
            assert offered == [code] * suitable, (code, risk, tolerance, until_ms)
            checks += 1
    assert checks > 1_500


def test_C11_the_bench_checks_ten_thousand_and_would_find_one(monkeypatch: pytest.MonkeyPatch) -> None:
    checks, violations = check_suitability((CATALOGUE,))
    assert checks >= 10_000
    assert violations == 0
    monkeypatch.setattr("yingbin.offers.arbitrate.suitable", lambda *_: True)
    assert check_suitability((CATALOGUE,))[1] > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE.products)), st.floats(0.01, 1)), unique_by=lambda x: x[0]),
    st.integers(0, 5),
    st.sampled_from((0, AT_MS - DAY_MS, AT_MS, AT_MS + 1)),
    st.sampled_from(CameraRole),
)
def test_C11_no_lever_campaign_or_rank_outweighs_suitability(
    scored: list[tuple[str, float]], tolerance: int, until_ms: int, role: CameraRole
) -> None:
    pushed = tuple(
        msgspec.structs.replace(candidate(code, score), levers=(Lever("campaign", 2.0),)) for code, score in scored
    )
    seen = view(pushed, tolerance, until_ms)
    highest = tolerance if until_ms > AT_MS else 0
    decision = arbitrate(seen, Context(role), AT_MS)
    assert all(CATALOGUE.products[offer.product].risk_level <= highest for offer in decision.offers)
    assert len(decision.offers) + len(decision.withheld) == len(pushed)


def test_C11_every_product_states_its_regime(catalogue: Catalogue) -> None:
    for one in catalogue.products.values():
        assert one.investment == (one.suitability is Regime.RISK_RATING) == (one.risk_level > 0)
        assert one.credit == (one.suitability is Regime.CREDIT_CAPACITY)
    levels = {one.risk_level for one in catalogue.products.values() if one.category == "wealth"}
    assert levels == {1, 2, 3, 4, 5}
