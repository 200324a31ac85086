"""What soft facts do to offers: the cases of BRIEF B8, how strongly and for how long, where not (C14, C15)."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from offers_builders import TODAY, YUAN, assessed, profile, record

from yingbin.feed_wire import CardView, Lever
from yingbin.offers.arbitrate import Context, Decision, arbitrate
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue, in_force_ms
from yingbin.offers.decision.record import DecisionRecord, decoded, encoded, record_whole, replay
from yingbin.offers.insights.declaration import Insight, load_library
from yingbin.offers.insights.effects import FAMILY_WORDS, STRENGTH, SoftFact, raised, soft_fact
from yingbin.offers.insights.life_cycle import Fact, State
from yingbin.offers.learning.simulation import simulate
from yingbin.offers.profile import Profile
from yingbin.offers.rules import CREDIT, assess
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH, forbidden

LIBRARY = load_library()
LAST = TODAY + timedelta(days=30)
AT_MS = in_force_ms(TODAY, None)[0] + 1
AFTER_MS = in_force_ms(None, LAST)[1]
EARNS = {"documented_monthly_income_fen": 30_000 * YUAN, "monthly_repayment_fen": 1_000 * YUAN}


def holding(
    name: str, state: State = State.CORROBORATED, *, subject: str = "", last: date = LAST, today: date = TODAY
) -> SoftFact | None:
    families = sorted({signal.family for signal in LIBRARY[name].signal})[:2]
    return soft_fact(LIBRARY[name], Fact(state, last), families, subject, today - timedelta(days=1), today)


def facts(*names: str, **how: Any) -> tuple[SoftFact, ...]:
    return tuple(fact for name in names if (fact := holding(name, **how)))


def view(catalogue: Catalogue, who: Profile, *soft: SoftFact, purposes: tuple[str, ...] = ("marketing",)) -> CardView:
    return build_card_view(record(profile=who.model_dump()), "vip", purposes, catalogue, TODAY, soft=soft)


def decided(catalogue: Catalogue, who: Profile, *soft: SoftFact, at_ms: int = AT_MS) -> Decision:
    return arbitrate(view(catalogue, who, *soft), Context(), at_ms)


def offered(decision: Decision) -> list[str]:
    return [offer.product for offer in decision.offers]


def why(decision: Decision, product: str) -> str:
    return next(one.why for one in decision.withheld if one.product == product)


def places(catalogue: Catalogue, who: Profile, *soft: SoftFact) -> list[str]:
    """Return the candidates of a view as the visit ranks them."""
    made = decided(catalogue, who, *soft)
    return [*offered(made), *(one.product for one in made.withheld)]


# --- BRIEF B8: the cases that must work


def test_C14_case_a_a_household_is_talked_to_about_the_kind_of_product_the_other_keeps(catalogue: Catalogue) -> None:
    saver = profile(demand_deposit_fen=60_000 * YUAN, risk_assessment=assessed(2))
    before, after = decided(catalogue, saver), decided(catalogue, saver, *facts("household"))
    new = {offer.product: offer for offer in after.offers if offer.product not in offered(before)}
    assert new.keys() & {"treasury_bond", "time_deposit", "wealth_r1"}
    for offer in new.values():
        assert offer.reason_zh == "可了解客户是否有稳健理财的安排需要(来源:用卡与出行、往来联系,2026-03-01)"
        assert "(source: card use and journeys, contacts, 2026-03-01)" in offer.reason_en


def test_C15_case_b_irregular_inflows_keep_credit_from_being_raised_and_refuse_nothing(catalogue: Catalogue) -> None:
    earns = profile(**EARNS)
    assert "consumer_loan" in offered(decided(catalogue, earns))
    made = decided(catalogue, earns, *facts("undocumented_income"))
    loans = {"consumer_loan", "business_loan", "mortgage", "study_loan", "parking_loan"}
    assert not loans & set(offered(made))
    resting = {one.product for one in made.withheld if one.why == "income_gap"}
    assert resting
    assert resting <= loans
    (said,) = (note for note in made.avoid if note.product == CREDIT)
    assert (said.text_zh, said.text_en) == (INCOME_GAP_ZH, INCOME_GAP_EN)
    assert INCOME_GAP_ZH == "收入资料不足,暂不主动推荐信贷;客户申请照常受理"


def test_C14_case_c_overseas_study_raises_a_card_a_loan_and_remittance(catalogue: Catalogue) -> None:
    payer = profile(**EARNS, holdings=["mobile_bank", "e_bank", "sms", "fx_account"])
    wanted = {"overseas_card", "study_loan", "remittance"}
    seen = {one.product: one for one in view(catalogue, payer, *facts("overseas_study")).candidates}
    assert wanted <= seen.keys()
    assert all(seen[code].levers[-1].factor == STRENGTH[State.CORROBORATED] for code in wanted)
    assert "overseas_card" in offered(decided(catalogue, payer, *facts("overseas_study")))


def test_C14_case_d_a_commuter_is_offered_the_card_with_the_lounge(catalogue: Catalogue) -> None:
    earns = profile(**EARNS)
    assert "platinum_card" not in places(catalogue, earns)
    made = decided(catalogue, earns, *facts("commutes"))
    offer = next(offer for offer in made.offers if offer.product == "platinum_card")
    assert offer.reason_zh.startswith(LIBRARY["commutes"].ask_zh)
    stated = decided(catalogue, earns, *facts("commutes", state=State.CONFIRMED))
    offer = next(offer for offer in stated.offers if offer.product == "platinum_card")
    assert offer.reason_zh == f"{LIBRARY['commutes'].say_zh}(来源:客户本人确认,2026-03-01)"


# --- how strongly


def test_C14_the_lever_is_declared_once_bounded_and_the_strongest_counts(catalogue: Catalogue) -> None:
    assert STRENGTH == {State.CORROBORATED: 1.25, State.CONFIRMED: 1.5}
    both = (*facts("risk_cautious", state=State.CONFIRMED), *facts("household"))
    assert raised(both, TODAY)["treasury_bond"].insight == "risk_cautious"
    idle = profile(demand_deposit_fen=500_000 * YUAN, demand_idle_days=180, risk_assessment=assessed(2))
    (bond,) = (one for one in view(catalogue, idle, *both).candidates if one.product == "treasury_bond")
    (lever,) = (one for one in bond.levers if one.signal == "insight")
    assert lever == Lever("insight", 1.5, (), 0, AFTER_MS, lever.reason_zh, lever.reason_en)


def test_a_product_that_a_rule_found_says_both_reasons(catalogue: Catalogue) -> None:
    idle = profile(demand_deposit_fen=30_000 * YUAN, demand_idle_days=180, risk_assessment=assessed(1))
    plain = {offer.product: offer for offer in decided(catalogue, idle).offers}
    soft = {offer.product: offer for offer in decided(catalogue, idle, *facts("risk_cautious")).offers}
    (fact,) = facts("risk_cautious")
    later = {offer.product: offer for offer in decided(catalogue, idle, fact, at_ms=AFTER_MS).offers}
    assert {"time_deposit", "treasury_bond", "wealth_r1"} == plain.keys() == soft.keys()
    for code, offer in plain.items():
        assert soft[code].reason_zh == f"{offer.reason_zh};{fact.reason_zh}"
        assert soft[code].reason_en == f"{offer.reason_en}; {fact.reason_en}"
        assert later[code].reason_zh == offer.reason_zh


def test_C14_interest_raises_the_very_product_and_only_that(catalogue: Catalogue) -> None:
    who = profile(demand_deposit_fen=60_000 * YUAN, risk_assessment=assessed(4))
    before, after = places(catalogue, who), places(catalogue, who, *facts("product_interest", subject="fund_index"))
    assert set(after) - set(before) == {"fund_index"}
    assert "fund_index" in offered(decided(catalogue, who, *facts("product_interest", subject="fund_index")))


# --- for how long


def test_C14_a_fact_that_expires_between_two_feeds_has_no_effect_from_that_instant(catalogue: Catalogue) -> None:
    earns = profile(**EARNS)
    made = view(catalogue, earns, *facts("commutes", "undocumented_income"))
    last, after = (arbitrate(made, Context(), at_ms) for at_ms in (AFTER_MS - 1, AFTER_MS))
    assert "platinum_card" in offered(last)
    assert why(after, "platinum_card") == "no_reason"
    assert why(last, "consumer_loan") == "income_gap"
    assert "consumer_loan" not in {one.product for one in after.withheld if one.why == "income_gap"}
    assert [note.product for note in last.avoid if note.product == CREDIT] == [CREDIT]
    assert [note.product for note in after.avoid if note.product == CREDIT] == []
    assert all(note.until_ms == 0 for note in last.avoid)


@pytest.mark.parametrize("state", [State.HYPOTHESIS, State.EXPIRED])
@pytest.mark.parametrize("insight", LIBRARY.values(), ids=lambda insight: insight.name)
def test_C14_what_is_not_corroborated_does_nothing(insight: Insight, state: State) -> None:
    assert holding(insight.name, state) is None
    assert holding(insight.name, last=TODAY - timedelta(days=1)) is None


def test_a_fact_of_yesterday_does_nothing_in_a_view_made_today(catalogue: Catalogue) -> None:
    earns = profile(**EARNS)
    stale = facts("commutes", "undocumented_income", last=TODAY - timedelta(days=1), today=TODAY - timedelta(days=1))
    assert len(stale) == 2
    assert view(catalogue, earns, *stale) == view(catalogue, earns)


# --- where they do nothing


def test_a_caution_changes_no_offer() -> None:
    assert facts("hasty_credit", state=State.CONFIRMED) == ()


def test_C10_without_consent_or_after_an_opt_out_the_view_is_the_same(catalogue: Catalogue) -> None:
    earns, soft = profile(**EARNS), facts("commutes", "undocumented_income", "risk_bold")
    assert view(catalogue, earns, *soft, purposes=()) == view(catalogue, earns, purposes=())
    opted_out = record(profile=earns.model_dump(), opted_out_of_automated_decisions=True)
    views = [build_card_view(opted_out, "vip", ("marketing",), catalogue, TODAY, soft=one) for one in (soft, ())]
    assert views[0] == views[1]


def test_C11_a_raised_product_is_still_unsuitable_where_it_was(catalogue: Catalogue) -> None:
    who = profile(demand_deposit_fen=300_000 * YUAN, risk_assessment=assessed(2))
    made = decided(catalogue, who, *facts("risk_bold", state=State.CONFIRMED))
    assert why(made, "wealth_r4") == "not_suitable"
    assert why(made, "fund_index") == "not_suitable"


def test_a_raised_product_is_not_raised_to_who_has_it_or_cannot_have_it(catalogue: Catalogue) -> None:
    has = profile(**EARNS, holdings=["platinum_card"])
    assert "platinum_card" not in places(catalogue, has, *facts("commutes"))
    without_income = profile()
    assert "platinum_card" not in places(catalogue, without_income, *facts("commutes"))
    reason = {one.product: one.why for one in assess(without_income, catalogue, TODAY, soft=facts("commutes")).withheld}
    assert reason["platinum_card"] == "income_gap"
    poor = profile(demand_deposit_fen=0, risk_assessment=assessed(2))
    assert "wealth_r1" not in places(catalogue, poor, *facts("household"))


# --- what is said, and the record


@pytest.mark.parametrize("state", STRENGTH)
@pytest.mark.parametrize("insight", LIBRARY.values(), ids=lambda insight: insight.name)
def test_C15_every_reason_and_every_word_of_evidence_passes_the_scan(insight: Insight, state: State) -> None:
    made = soft_fact(insight, Fact(state, LAST), FAMILY_WORDS, "time_deposit", TODAY, TODAY)
    for text in (made.reason_zh, made.reason_en) if made else ():
        assert forbidden(text) is None
    for words in FAMILY_WORDS.values():
        assert [forbidden(word) for word in words] == [None, None]


def whole(catalogue: Catalogue, soft: tuple[SoftFact, ...]) -> DecisionRecord:
    who = record(profile=profile(**EARNS, risk_assessment=assessed(3)).model_dump())
    return record_whole(who, "vip", {"marketing"}, catalogue, Context(), AT_MS, soft=soft)


def test_C10_a_decision_with_soft_facts_replays_and_names_nobody(catalogue: Catalogue) -> None:
    made = whole(catalogue, facts("household", "commutes", "undocumented_income"))
    assert replay(decoded(encoded(made)), catalogue) == ()
    made_from = made.inputs.made_from
    assert made_from is not None
    assert [fact.insight for fact in made_from.soft] == ["household", "commutes", "undocumented_income"]
    assert not {"other_id", "evidence", "fact_id"} & set(SoftFact.__struct_fields__)
    offered_or_not = [*(offer.product for offer in made.output.offers), *(one.product for one in made.output.withheld)]
    assert sorted(offered_or_not) == sorted(catalogue.products)


def test_C14_facts_act_in_a_simulation_as_they_acted_at_the_visit(catalogue: Catalogue) -> None:
    """One raises a product, the other lets credit rest: neither is lost when the visit is decided anew."""
    plain, raising, resting = (
        whole(catalogue, facts(*names)) for names in ((), ("commutes",), ("undocumented_income",))
    )
    assert plain.output.offers != raising.output.offers
    assert plain.output.offers != resting.output.offers
    for old in (None, catalogue):
        same = simulate(old, catalogue, [plain, raising, resting])
        assert (same.visits, same.changed, same.reordered) == (3, 0, 0)


def test_a_record_says_which_facts_made_the_difference(catalogue: Catalogue) -> None:
    records = [whole(catalogue, facts(*names)) for names in ((), ("commutes",), ("undocumented_income",))]
    assert all(one.inputs_digest != other.inputs_digest for one, other in pairwise(records))
