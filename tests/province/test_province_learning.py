"""What the province's own log does to a propensity, and what the holdout says of all of it."""

import pytest
from measuring_log import DAY_MS, HELD_OUT, PERSONAL, outcome, people, send, visit
from province_harness import World

from yingbin.feed_wire import CardView, FeedKind
from yingbin.ids import now_ms
from yingbin.offers.learning.simulation import simulate
from yingbin.offers.profile import china_day
from yingbin.storage.learning import PolicyRow
from yingbin.trust.staff import Role


def view_of(world: World) -> CardView:
    (view,) = world.a.kinds(FeedKind.CARD_VIEW)
    assert isinstance(view, CardView)
    return view


def effect(world: World) -> dict[str, object]:
    day = china_day(now_ms()).isoformat()
    reply = world.call("GET", "effect", Role.ANALYST, params={"first": "2026-01-01", "last": day})
    assert reply.status_code == 200, reply.text
    found: dict[str, object] = reply.json()
    return found


def treated(world: World) -> str:
    policies = world.province.measuring.policies
    return next(f"w-{n}" for n in range(99) if not policies.basis(f"w-{n}", china_day(now_ms())).holdout)


def test_the_log_moves_a_propensity_within_bounds_and_views_follow_once(world: World) -> None:
    who, learner = treated(world), world.province.measuring.learner
    world.enrolled(who, world.branch_a)
    first = view_of(world)
    product = first.candidates[0].product
    crowd = people(world, 80)
    yesterday = now_ms() - DAY_MS
    assert learner.learned(now_ms()) == {}
    send(world, [one for them in crowd for one in visit(world, them, yesterday, [product])])
    send(world, [one for them in crowd for one in visit(world, them, yesterday, ["sms"], HELD_OUT, taken="sms")])
    learner.job()
    second = view_of(world)
    move = world.province.measuring.policies.moves[product]
    assert set(world.province.measuring.policies.moves) == {product}  # of the general list nothing is learned
    assert move.before * 50 / (50 + 80) < move.after < move.before  # 50 impressions of the rules against 80 at most
    assert move.low < move.after < move.high
    score = {view.basis.learned: {one.product: one.score for one in view.candidates} for view in (first, second)}
    assert score[second.basis.learned][product] < score[""][product]
    assert {k: v for k, v in score[second.basis.learned].items() if k != product} == {
        k: v for k, v in score[""].items() if k != product
    }
    head = world.a.page(0).head
    send(world, visit(world, crowd[0], now_ms(), [product], taken=product))
    learner.job()
    with world.province.stores.identity.read() as session:
        assert session.query(PolicyRow).count() == 2
    assert world.a.page(head).entries == ()  # one more acceptance is no reason to send every view again
    (told,) = effect(world)["learned"]  # type: ignore[misc]
    assert (told["product"], told["rules"], told["learned"]) == (product, move.before, move.after)


def test_uplift_and_return_find_what_was_planted_and_say_so_when_they_cannot(world: World) -> None:
    at_ms = now_ms() - DAY_MS
    assert effect(world)["uplift"]["state"] == "no_holdout"  # type: ignore[index]
    crowd = people(world, 300)
    log, sales = [], []
    for number, who in enumerate(crowd):
        held_out = number % 3 == 0
        taken = number // 3 % (10 if held_out else 2) == 0  # exactly 10 and 50 %
        product, basis = ("sms", HELD_OUT) if held_out else ("time_deposit", PERSONAL)
        log += visit(world, who, at_ms, [product], basis, taken=product if taken else "")
        if taken:
            sales.append({"sale_id": f"s-{who}", "customer_id": who, "product": product, "amount_fen": 1,
                          "margin_fen": 1_000 if held_out else 10_000, "at_ms": at_ms + 5})  # fmt: skip
    send(world, [one for one in log if one.customer_id not in crowd[9::3]])  # three of the holdout: too few
    assert effect(world)["uplift"]["state"] == "too_few"  # type: ignore[index]
    assert effect(world)["uplift"]["accepted"] is None  # type: ignore[index]
    send(world, log)
    found = effect(world)["uplift"]
    assert (found["state"], found["margin_fen"], found["roi"]) == ("no_sales", None, None)  # type: ignore[index]
    assert world.call("POST", "sales", json={"sales": sales}).status_code == 200
    found = effect(world)["uplift"]
    assert found["state"] == "measured"  # type: ignore[index]
    assert found["accepted"]["low"] < 0.4 < found["accepted"]["high"]  # type: ignore[index]
    assert found["accepted"]["low"] > 0.2  # type: ignore[index]
    assert found["margin_fen"]["low"] < 4_900 < found["margin_fen"]["high"]  # type: ignore[index]
    assert found["roi"]["low"] < 5_000 / 2_000 - 1 < found["roi"]["high"]  # type: ignore[index]
    assert found["incremental_roi"]["value"] < found["roi"]["value"]  # type: ignore[index]
    assert {one["name"] for one in effect(world)["products"]} == {"time_deposit"}  # type: ignore[attr-defined]


def test_refusals_say_why_and_a_reason_that_is_none_is_refused(world: World) -> None:
    crowd, at_ms = people(world, 12), now_ms()
    send(world, [outcome(world, who, who, "not_interested", at_ms, "fund", reason="price") for who in crowd])
    send(world, [outcome(world, crowd[0], "x", "not_interested", at_ms, "fund", reason="later")])
    assert effect(world)["refusals"] == [{"product": "fund", "reason": "price", "customers": 12, "times": 12}]
    wrong = outcome(world, crowd[0], "y", "not_interested", at_ms, "fund", reason="his wife is ill")
    with pytest.raises(AssertionError):
        send(world, [wrong])
    with pytest.raises(AssertionError):
        send(world, [outcome(world, crowd[0], "y", "shown", at_ms, "fund", place=-1)])


def test_past_visits_become_records_on_which_two_catalogues_can_be_compared(world: World) -> None:
    who = treated(world)
    world.enrolled(who, world.branch_a)
    send(world, visit(world, who, now_ms(), ["sms"]))
    records = list(world.province.measuring.past_visits.records())
    catalogue = world.province.measuring.learner._cards.catalogue
    found = simulate(catalogue, catalogue, records)
    assert (found.visits, found.changed, found.skipped) == (1, 0, 0)
    assert records[0].inputs.context.branch_id == world.branch_a
    assert records[0].inputs.view.candidates == view_of(world).candidates
