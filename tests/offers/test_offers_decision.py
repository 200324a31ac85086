"""From a customer record to what a tablet shows: C10, C11, C15 and the order of the decision."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offers_builders import CHANNELS, TODAY, YUAN, assessed, idle_rich, record

from yingbin.feed_wire import Candidate, CardView
from yingbin.offers.arbitrate import MAX_OFFERS, Context, Decision, arbitrate
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue, load_catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.profile import Holding
from yingbin.offers.suitability import ASSESSMENT_INVALID, suitability_notes, suitable
from yingbin.offers.wording import forbidden
from yingbin.pad_wire import Offer
from yingbin.wire import CameraRole, decode, encode

AT_MS = int(datetime(2026, 3, 2, 2, tzinfo=UTC).timestamp() * 1000)
LATER_MS = AT_MS + 86_400_000
CONSENTED = frozenset({"vip_service", "marketing"})


def view_of(who: CustomerRecord, catalogue: Catalogue, purposes: frozenset[str] = CONSENTED) -> CardView:
    return build_card_view(who, "vip", purposes, catalogue, TODAY)


def rich(level: int | None = 5, **fields: Any) -> CustomerRecord:
    risk = {"risk_assessment": assessed(level)} if level else {}
    return record(profile=idle_rich(**risk).model_dump(), **fields)


def decide(view: CardView, context: Context | None = None, at_ms: int = AT_MS) -> Decision:
    return arbitrate(view, context or Context(), at_ms)


def products(decision: Decision) -> list[str]:
    return [offer.product for offer in decision.offers]


def test_card_view_names_the_customer_politely_and_holds_no_money(catalogue: Catalogue) -> None:
    view = view_of(rich(full_name="欧阳小明", gender="female"), catalogue)
    assert (view.surname, view.honorific_zh, view.honorific_en) == ("欧阳", "女士", "Ms")
    assert (view.personalised, view.risk_tolerance) == (True, 5)
    raw = encode(view)
    assert decode(raw, CardView) == view
    assert b"fen" not in raw
    assert "小明".encode() not in raw
    assert view_of(record(gender="unknown"), catalogue).honorific_zh == "客户"


def test_best_three_one_per_category_and_every_other_candidate_accounted_for(catalogue: Catalogue) -> None:
    view = view_of(rich(), catalogue)
    decision = decide(view)
    categories = [catalogue.products[code].category for code in products(decision)]
    assert len(categories) == MAX_OFFERS
    assert len(set(categories)) == MAX_OFFERS
    left_out = {withheld.product for withheld in decision.withheld}
    assert left_out | set(products(decision)) == {candidate.product for candidate in view.candidates}


def test_a_refused_product_is_not_offered_again(catalogue: Catalogue) -> None:
    view = view_of(rich(), catalogue)
    first = products(decide(view))[0]
    again = decide(view, Context(refused_products=frozenset({first})))
    assert first not in products(again)
    assert (first, "refused_before") in {(w.product, w.why) for w in again.withheld}


def test_where_the_customer_stands_nudges_the_order(catalogue: Catalogue) -> None:
    candidates = tuple(
        Candidate(code, "甲", "A", score, 0, False, "因", "why", category=category, levers=catalogue.levers[like])
        for code, score, category, like in (
            ("deposit", 1.0, "deposit", "time_deposit"),
            ("app", 0.9, "channel", "mobile_bank"),
        )
    )
    view = CardView("c", "李", "先生", "Mr", "vip_gold", "b", "s", "vip", True, 0, 0, candidates, ())
    assert products(decide(view)) == ["deposit", "app"]
    assert products(decide(view, Context(CameraRole.TICKET_MACHINE))) == ["app", "deposit"]


def test_an_unsuitable_product_does_not_block_its_category(catalogue: Catalogue) -> None:
    risky = Candidate("r5", "甲", "A", 1.0, 5, True, "因", "why", category="wealth")
    calm = Candidate("r1", "乙", "B", 0.5, 1, True, "因", "why", category="wealth")
    view = CardView("c", "李", "先生", "Mr", "vip_gold", "b", "s", "vip", True, 2, LATER_MS, (risky, calm), ())
    decision = decide(view)
    assert products(decision) == ["r1"]
    assert [(w.product, w.why) for w in decision.withheld] == [("r5", "not_suitable")]


def test_nothing_is_invented_when_nothing_survives() -> None:
    risky = Candidate("r5", "甲", "A", 1.0, 5, True, "因", "why")
    view = CardView("c", "李", "先生", "Mr", "vip_gold", "b", "s", "vip", True, 0, 0, (risky,), ())
    assert decide(view).offers == ()


@pytest.mark.parametrize(
    ("who", "purposes"),
    [
        (rich(opted_out_of_automated_decisions=True), CONSENTED),
        (rich(), frozenset({"vip_service"})),
        (rich(1), frozenset[str]()),
        (record(opted_out_of_automated_decisions=True), CONSENTED),
        (record(profile={"as_of": "2026-03-01", "holdings": CHANNELS, "car_loan_fen": 5}), frozenset[str]()),
    ],
    ids=["opted out, rich", "no marketing consent", "cautious", "opted out, poor", "holds everything"],
)
@pytest.mark.parametrize("role", list(CameraRole))
def test_C10_without_personalisation_everybody_gets_the_same_explained_list(
    catalogue: Catalogue, who: CustomerRecord, purposes: frozenset[str], role: CameraRole
) -> None:
    view = view_of(who, catalogue, purposes)
    decision = decide(view, Context(role))
    assert not view.personalised
    assert products(decision) == list(catalogue.general.products[:MAX_OFFERS])
    assert {offer.reason_zh for offer in decision.offers} == {"通用推荐清单,所有客户相同(来源:产品目录,2026-01-01)"}
    assert all("General list" in offer.reason_en for offer in decision.offers)
    assert "credit" not in {note.product for note in decision.avoid}


def test_C10_personalised_suggestions_explain_themselves_with_source_and_date(catalogue: Catalogue) -> None:
    for offer in decide(view_of(rich(), catalogue)).offers:
        assert offer.reason_zh.endswith("(来源:存款系统,2026-03-01)")
        assert offer.reason_en.endswith("(source: deposit ledger, 2026-03-01)")


def assessments() -> Iterator[tuple[int, int, bool]]:
    for tolerance in range(6):
        for until_ms in (0, AT_MS - 1, AT_MS, AT_MS + 1, LATER_MS):
            yield tolerance, until_ms, tolerance > 0 and until_ms > AT_MS


def test_C11_full_matrix_of_risk_levels_tolerances_and_expiry() -> None:
    checks = 0
    for risk in range(1, 6):
        product = Candidate("p", "甲", "A", 1.0, risk, True, "因", "why")
        for tolerance, until_ms, valid in assessments():
            wanted = valid and risk <= tolerance
            assert suitable(product, tolerance, until_ms, AT_MS) is wanted
            view = CardView("c", "李", "先生", "Mr", "t", "b", "s", "vip", True, tolerance, until_ms, (product,), ())
            general = CardView(
                "c", "李", "先生", "Mr", "t", "b", "s", "vip", False, tolerance, until_ms, (product,), ()
            )
            assert products(decide(view)) == products(decide(general)) == ["p"] * wanted
            checks += 1
    assert checks == 150


def test_C11_products_without_risk_are_always_suitable_and_unrated_investments_never() -> None:
    plain = Candidate("p", "甲", "A", 1.0, 0, False, "因", "why")
    unrated = Candidate("p", "甲", "A", 1.0, 0, True, "因", "why")
    for tolerance, until_ms, _ in assessments():
        assert suitable(plain, tolerance, until_ms, AT_MS)
        assert not suitable(unrated, tolerance, until_ms, AT_MS)


def test_C11_an_assessment_that_expires_after_the_view_was_built_removes_investments(catalogue: Catalogue) -> None:
    view = view_of(rich(5), catalogue)
    assert any(catalogue.products[code].investment for code in products(decide(view)))
    expired = decide(view, at_ms=view.risk_valid_until_ms)
    assert len(expired.offers) == MAX_OFFERS
    assert not any(catalogue.products[code].investment for code in products(expired))
    assert ASSESSMENT_INVALID in expired.avoid
    assert ASSESSMENT_INVALID not in decide(view).avoid


def test_C11_what_to_avoid_follows_the_tolerance() -> None:
    assert suitability_notes(3, LATER_MS, AT_MS)[0].text_zh == "R4—R5产品风险等级高于客户承受能力,不主动推荐"
    assert suitability_notes(4, LATER_MS, AT_MS)[0].text_en.startswith("Products rated R5 exceed")
    assert suitability_notes(5, LATER_MS, AT_MS) == ()
    assert suitability_notes(0, 0, AT_MS) == (ASSESSMENT_INVALID,)


amounts = st.one_of(st.just(0), st.integers(0, 10**11))
records = st.fixed_dictionaries(
    {
        "as_of": st.just(TODAY),
        "demand_idle_days": st.integers(0, 400),
        "time_deposit_matures_on": st.none() | st.dates(TODAY, TODAY + timedelta(days=200)),
        "documented_monthly_income_fen": st.none() | st.integers(1, 10**8),
        "monthly_repayment_fen": st.integers(0, 10**7),
        "holdings": st.frozensets(st.sampled_from(Holding)),
        "risk_assessment": st.none()
        | st.builds(
            lambda level, day: assessed(level, day.isoformat()),
            st.integers(1, 5),
            st.dates(TODAY - timedelta(days=3), TODAY + timedelta(days=3)),
        ),
        **{
            f"{name}_fen": amounts
            for name in ("time_deposit", "demand_deposit", "wealth_product", "fund", "insurance", "treasury_bond")
        },
        **{f"{name}_fen": amounts for name in ("property", "mortgage", "car_loan", "parking_loan", "business_loan")},
    }
).map(lambda p: {**p, "time_deposit_maturing_fen": p["time_deposit_fen"] if p["time_deposit_matures_on"] else 0})
CATALOGUE = load_catalogue()


@settings(max_examples=150, deadline=None)
@given(records, st.booleans(), st.booleans(), st.sampled_from(CameraRole), st.integers(-3, 3))
def test_C11_C15_whatever_the_profile_offers_are_suitable_few_explained_and_sayable(
    profile: dict[str, Any], opted_out: bool, consented: bool, role: CameraRole, days_later: int
) -> None:
    who = record(profile=profile, opted_out_of_automated_decisions=opted_out)
    view = view_of(who, CATALOGUE, CONSENTED if consented else frozenset())
    at_ms = AT_MS + days_later * 86_400_000
    day = TODAY + timedelta(days=days_later)
    decision = decide(view, Context(role), at_ms)
    assert len(decision.offers) <= MAX_OFFERS
    assessment = who.profile.risk_assessment
    tolerance = assessment.tolerance if assessment and day <= assessment.valid_until else 0
    for offer in decision.offers:
        product = CATALOGUE.products[offer.product]
        assert product.risk_level <= tolerance
        assert not (product.credit and who.profile.documented_monthly_income_fen is None)
        assert offer.reason_zh
        assert offer.reason_en
    for text in strings_of(view, decision):
        assert forbidden(text) is None


def strings_of(view: CardView, decision: Decision) -> Iterator[str]:
    """Yield every sentence that can reach a tablet."""
    every: list[Candidate | Offer] = [*view.candidates, *decision.offers]
    for said in every:
        yield from (said.name_zh, said.name_en, said.reason_zh, said.reason_en)
        yield from (said.talking_point_zh, said.talking_point_en)
    for note in (*view.avoid, *decision.avoid):
        yield from (note.text_zh, note.text_en)


def test_no_sentence_reveals_an_amount_of_the_profile(catalogue: Catalogue) -> None:
    who = record(profile={**idle_rich().model_dump(), "fund_fen": 123_456 * YUAN})
    view = view_of(who, catalogue)
    assert not [text for text in strings_of(view, decide(view)) if "500" in text or "123" in text]
