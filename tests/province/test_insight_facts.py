"""Soft facts at the province: taken in by its consents, acting on cards, sealed, gone with a consent (C14)."""

from datetime import timedelta

import pytest
from insight_world import answer, conclusion, enrol, levers, loaded, notes, rows_of, until, view_of
from measuring_log import send, visit
from province_harness import World, record

from yingbin import wire
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.learning.simulation import simulate
from yingbin.offers.profile import china_today
from yingbin.offers.wording import INCOME_GAP_ZH


@pytest.fixture
def shared(shared_insights: World) -> World:
    """Return a province for all tests here: each has customers of its own."""
    return shared_insights


def head(world: World) -> int:
    return world.a.page(10**9).head


def test_C14_a_corroborated_fact_changes_the_card_in_his_city_until_its_last_day(shared: World) -> None:
    enrol(shared, "d1")
    before = head(shared)
    night = loaded(shared, conclusion("d1", "commutes", "card_presence", "transaction"))
    assert (night["corroborated"], night["cards"], night["customers"]) == (1, 1, 1)
    assert [entry.key for entry in shared.a.page(before).entries] == ["d1"]
    (lever,) = levers(shared, "d1").values()
    (row,) = rows_of(shared, "d1")
    assert row.expires_on == china_today() - timedelta(days=1) + timedelta(days=60)
    assert (lever.factor, lever.until_ms) == (1.25, until(row.expires_on))
    last, after = (
        {offer.product for offer in arbitrate(view_of(shared.a, "d1"), Context(), at_ms).offers}
        for at_ms in (lever.until_ms - 1, lever.until_ms)
    )
    assert last - after == {"platinum_card"}


def test_C14_a_past_visit_is_decided_with_the_facts_about_him(shared: World) -> None:
    enrol(shared, "past")
    send(shared, visit(shared, "past", now_ms(), ["platinum_card"]))
    loaded(shared, conclusion("past", "commutes", "card_presence", "transaction"))
    catalogue = shared.province.measuring.learner._cards.catalogue
    (made,) = (one for one in shared.province.measuring.past_visits.records() if one.inputs.view.customer_id == "past")
    assert made.inputs.made_from is not None
    assert [fact.insight for fact in made.inputs.made_from.soft] == ["commutes"]
    assert "platinum_card" in {offer.product for offer in made.output.offers}
    assert [simulate(old, catalogue, [made]).changed for old in (None, catalogue)] == [0, 0]


def test_a_night_that_comes_again_changes_nothing(shared: World) -> None:
    enrol(shared, "again")
    night = conclusion("again", "commutes", "card_presence", "transaction")
    loaded(shared, night)
    before, rows = head(shared), rows_of(shared, "again")
    assert loaded(shared, night)["cards"] == 0
    assert head(shared) == before
    (one,), (other,) = rows, rows_of(shared, "again")
    assert (one.fact_id, one.content_sealed) == (other.fact_id, other.content_sealed)


def test_C15_an_income_gap_says_its_sentence_and_lets_credit_rest(shared: World) -> None:
    enrol(shared, "b1")
    offered = [offer.product for offer in arbitrate(view_of(shared.a, "b1"), Context(), 1).offers]
    assert "consumer_loan" in offered
    loaded(shared, conclusion("b1", "undocumented_income", "account", "transaction"))
    made = arbitrate(view_of(shared.a, "b1"), Context(), 1)
    assert "consumer_loan" not in [offer.product for offer in made.offers]
    assert [note.text_zh for note in made.avoid if note.product == "credit"] == [INCOME_GAP_ZH]
    assert [note["text_zh"] for note in notes(shared.a, "b1")] == [INCOME_GAP_ZH]


def test_C14_a_relation_acts_on_one_side_and_ends_when_the_other_withdraws(shared: World) -> None:
    enrol(shared, "one-side")
    enrol(shared, "other-side", branch=shared.branch_b)
    household = conclusion("one-side", "household", "transaction", "contact", other_id="other-side")
    loaded(shared, household)
    assert levers(shared, "one-side").keys() == {"treasury_bond", "time_deposit", "wealth_r1"}
    assert levers(shared, "other-side", shared.b) == {}
    assert b"other-side" not in wire.encode(view_of(shared.a, "one-side"))
    before = head(shared)
    assert shared.withdraw("other-side", "marketing").status_code == 204
    assert "one-side" in [entry.key for entry in shared.a.page(before).entries if entry.kind is FeedKind.CARD_VIEW]
    assert levers(shared, "one-side") == {}
    assert notes(shared.a, "one-side") == []
    (row,) = rows_of(shared, "one-side")
    assert (row.state, row.content_sealed) == ("expired", b"")
    assert shared.grant("other-side", "marketing").status_code == 204
    assert levers(shared, "one-side") == {}, "it takes another night"
    assert loaded(shared, household)["corroborated"] == 1
    assert levers(shared, "one-side").keys() == {"treasury_bond", "time_deposit", "wealth_r1"}


def test_C14_a_household_that_does_not_apply_is_neither_raised_nor_said(shared: World) -> None:
    enrol(shared, "n1", "n2")
    loaded(shared, conclusion("n1", "household", "transaction", "contact", other_id="n2", applies=False))
    assert [row.state for row in rows_of(shared, "n1")] == ["corroborated"]
    assert levers(shared, "n1") == {}
    assert notes(shared.a, "n1") == []


@pytest.mark.parametrize("without", ["marketing", "central_storage"])
def test_C1_the_registry_decides_and_not_the_file(shared: World, without: str) -> None:
    who, other = f"c-{without}", f"c-{without}+"
    enrol(shared, other)
    shared.customer(who, shared.branch_a, tuple({"vip_service", "central_storage", "marketing"} - {without}))
    night = loaded(
        shared,
        conclusion(who, "risk_cautious", "transaction", "self_declared"),
        conclusion(other, "household", "transaction", "contact", other_id=who),
        conclusion("nobody", "risk_cautious", "transaction", "self_declared"),
        conclusion(f"{other}z", "household", "transaction", "contact", other_id=other),
    )
    assert (night["no_consent"], night["unknown_customers"], night["corroborated"]) == (2, 2, 0)
    assert rows_of(shared, who) == rows_of(shared, other) == []


def test_C14_a_hypothesis_is_not_kept_and_a_fact_that_falls_back_to_one_is_silent(shared: World) -> None:
    enrol(shared, "h1", "h2")
    night = loaded(
        shared,
        conclusion("h1", "commutes", "transaction"),
        conclusion("h2", "commutes", "card_presence", "transaction"),
    )
    assert (night["hypothesis"], night["corroborated"]) == (1, 1)
    assert rows_of(shared, "h1") == []
    loaded(shared, conclusion("h2", "commutes", "transaction"))
    assert [row.state for row in rows_of(shared, "h2")] == ["hypothesis"]
    assert levers(shared, "h2") == {}
    assert notes(shared.a, "h2") == []


def test_C1_without_whereabouts_evidence_of_journeys_counts_no_more(shared: World) -> None:
    enrol(shared, "w1", "w2", "w3")
    loaded(
        shared,
        conclusion("w1", "commutes", "card_presence", "transaction"),
        conclusion("w2", "household", "card_presence", "transaction", other_id="w3"),
        conclusion("w3", "household", "card_presence", "contact", "transaction", other_id="w2"),
    )
    assert levers(shared, "w1")
    assert levers(shared, "w2")
    for customer in ("w1", "w3"):
        shared.withdraw(customer, "whereabouts")
    assert levers(shared, "w1") == levers(shared, "w2") == {}
    assert [row.state for row in (*rows_of(shared, "w1"), *rows_of(shared, "w2"))] == ["expired", "hypothesis"]
    assert levers(shared, "w3"), "contacts and transactions are enough without"
    (note,) = notes(shared.a, "w3")
    assert [one["family_en"] for one in note["evidence"]] == ["contacts", "transactions"]


def test_C14_a_look_alike_ends_even_a_confirmed_fact_and_what_is_not_found_ends_on_its_day(shared: World) -> None:
    enrol(shared, "l1", "l2")
    both = [conclusion(who, "risk_bold", "transaction", "self_declared") for who in ("l1", "l2")]
    loaded(shared, *both)
    for who in ("l1", "l2"):
        (note,) = notes(shared.a, who)
        assert answer(shared.a, who, note["fact_id"], confirmed=True).status_code == 204
    assert {lever.factor for lever in levers(shared, "l1").values()} == {1.5}
    night = loaded(shared, conclusion("l1", "risk_bold"))
    assert (night["look_alike"], night["cards"]) == (1, 1)
    assert levers(shared, "l1") == {}
    assert {lever.factor for lever in levers(shared, "l2").values()} == {1.5}


def test_C10_who_opts_out_has_no_effects_and_no_notes(shared: World) -> None:
    enrol(shared, "o1")
    loaded(shared, conclusion("o1", "risk_bold", "transaction", "self_declared"))
    assert notes(shared.a, "o1")
    body = {**record("o1", shared.branch_a), "opted_out_of_automated_decisions": True}
    assert shared.call("PUT", "customers/o1", json=body).status_code == 204
    assert levers(shared, "o1") == {}
    assert notes(shared.a, "o1") == []


def test_C14_a_relation_is_asked_and_never_stated(shared: World) -> None:
    enrol(shared, "r1", "r2")
    loaded(shared, conclusion("r1", "household", "transaction", "contact", other_id="r2"))
    (note,) = notes(shared.a, "r1")
    assert answer(shared.a, "r1", note["fact_id"], confirmed=True).status_code == 204
    (after,) = notes(shared.a, "r1")
    assert (after["stated"], after["text_zh"]) == (False, note["text_zh"])
    assert "r2" not in str(after)
    assert {lever.factor for lever in levers(shared, "r1").values()} == {1.25}


def test_C8_of_a_stored_fact_only_ids_states_and_days_are_in_clear(shared: World) -> None:
    enrol(shared, "seal-one", "seal-two")
    loaded(
        shared,
        conclusion("seal-one", "household", "transaction", "contact", other_id="seal-two"),
        conclusion("seal-one", "product_interest", "browsing", "account", subject="fund_index"),
    )
    for row in rows_of(shared, "seal-one"):
        plain = " ".join(
            str(value) for name, value in vars(row).items() if name not in ("customer_id", "_sa_instance_state")
        )
        assert not [word for word in ("seal-two", "fund_index", "household", "interest", "contact") if word in plain]
    assert set(levers(shared, "seal-one")) == {"treasury_bond", "time_deposit", "wealth_r1", "fund_index"}
