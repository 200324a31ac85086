"""From the log to one customer's propensities; and the list of the holdout, which is the one of who opted out."""

import msgspec
import pytest
from offers_builders import TODAY, idle_rich, record

from yingbin.feed_wire import Basis
from yingbin.offers.arbitrate import Context
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.decision.record import decoded, encoded, record_whole, replay
from yingbin.offers.learning.learned import Move, differs, learn, of_customer, propensities
from yingbin.offers.learning.posterior import DAY_MS, Impression

NOW = 20_500 * DAY_MS
HELD_OUT = Basis("general", holdout=True, programme="p")


def test_too_few_impressions_teach_nothing_and_unknown_products_are_left_alone() -> None:
    few = {"sms": [Impression(NOW, 0, 49)]}
    assert learn({"sms": 0.2}, few, NOW) == {}
    enough = {"sms": [Impression(NOW, 0, 50)], "gone": [Impression(NOW, 9, 90)]}
    assert learn({"sms": 0.2}, enough, NOW)["sms"].after == pytest.approx(0.1)
    assert set(learn({"sms": 0.2}, enough, NOW)) == {"sms"}


def test_only_a_meaningful_move_is_worth_sending_every_view_again() -> None:
    old = {"sms": Move(0.2, 0.15, 0.1, 0.2, 90)}
    assert not differs(old, {"sms": Move(0.2, 0.16, 0.1, 0.2, 95)})
    assert differs(old, {"sms": Move(0.2, 0.2, 0.1, 0.3, 95)})
    assert differs(old, {})
    assert not differs({}, {"sms": Move(0.2, 0.21, 0.1, 0.3, 60)})


def test_a_customer_moves_as_far_as_the_product_and_the_rules_policy_does_not_move(catalogue: Catalogue) -> None:
    profile = idle_rich()
    before = propensities(profile, catalogue, TODAY)
    product = max(before, key=lambda code: before[code])
    moved = of_customer(profile, catalogue, TODAY, {product: Move(0.3, 0.1, 0.08, 0.12, 99)})
    assert set(moved) == {product}
    assert moved[product] < before[product]
    views = {
        policy: build_card_view(
            record(profile=profile.model_dump()), "vip", {"marketing"}, catalogue, TODAY, learned=moved,
            basis=Basis(policy),
        )
        for policy in ("arbitrate", "rules")
    }  # fmt: skip
    score = {policy: {one.product: one.score for one in view.candidates} for policy, view in views.items()}
    assert score["arbitrate"][product] < score["rules"][product]
    assert views["rules"].candidates == build_card_view(
        record(profile=profile.model_dump()), "vip", {"marketing"}, catalogue, TODAY
    ).candidates  # fmt: skip


def test_C10_the_holdout_gets_what_who_opted_out_gets_and_the_record_replays(catalogue: Catalogue) -> None:
    rich = idle_rich().model_dump()
    held = build_card_view(record(profile=rich), "vip", {"marketing"}, catalogue, TODAY, basis=HELD_OUT)
    opted_out = build_card_view(
        record(profile=rich, opted_out_of_automated_decisions=True), "vip", {"marketing"}, catalogue, TODAY,
        basis=HELD_OUT,
    )  # fmt: skip
    assert opted_out.basis == Basis()
    assert msgspec.structs.replace(held, basis=Basis()) == opted_out
    whole = record_whole(record(profile=rich), "vip", {"marketing"}, catalogue, Context(), NOW, basis=HELD_OUT)
    again = decoded(encoded(whole))
    assert again.inputs.view.basis == HELD_OUT
    assert replay(again, catalogue) == ()
    assert {one.why for one in whole.output.withheld if one.stage == "priority"} >= {"held_out"}
