"""What a customer declined in one city is known at his next visit, in whichever city it is."""

import msgspec
from province_harness import World

from yingbin.feed_wire import CardView, FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.report_wire import OutcomeReport


def test_C10_a_refusal_in_any_city_reaches_the_home_city_and_ends_the_offer(world: World) -> None:
    world.enrolled("li", world.branch_a)
    before = view_at_home(world)
    product = arbitrate(before, Context(), now_ms()).offers[0].product
    head = world.a.page(0).head
    report(world, "not_interested", product)
    after = view_at_home(world)
    (note,) = after.contacts
    assert (note.product, note.refusals, after.refused_last_visit) == (product, 1, True)
    assert product not in {offer.product for offer in arbitrate(after, Context(), now_ms()).offers}
    assert {entry.kind for entry in world.a.page(head).entries} == {FeedKind.CARD_VIEW}


def test_what_was_reported_twice_is_counted_and_sent_once(world: World) -> None:
    world.enrolled("li", world.branch_a)
    told = report(world, "shown", "sms")
    head = world.a.page(10_000).head
    send(world, told)
    assert world.a.page(10_000).head == head
    assert [len(note.shown_at_ms) for note in view_at_home(world).contacts] == [1]


def test_a_visit_that_was_somebody_elses_leaves_no_trace_in_the_view(world: World) -> None:
    world.enrolled("li", world.branch_a)
    report(world, "not_interested", "sms", card="card-1")
    report(world, "wrong_person", "", card="card-1")
    assert view_at_home(world).contacts == ()


def test_C1_without_marketing_consent_the_view_knows_refusals_only(world: World) -> None:
    world.enrolled("li", world.branch_a)
    report(world, "shown", "sms")
    report(world, "not_interested", "e_bank")
    world.withdraw("li", "marketing")
    view = view_at_home(world)
    assert [(note.product, note.shown_at_ms) for note in view.contacts] == [("e_bank", ())]
    assert view.contacted_at_ms == ()


def view_at_home(world: World) -> CardView:
    (view,) = world.a.kinds(FeedKind.CARD_VIEW)
    assert isinstance(view, CardView)
    return view


def report(world: World, kind: str, product: str, card: str = "card") -> OutcomeReport:
    told = OutcomeReport(new_id(), card, "li", world.branch_b, "rm-1", kind, product, now_ms())
    send(world, told)
    return told


def send(world: World, told: OutcomeReport) -> None:
    assert world.b.ask("POST", "outcomes", content=msgspec.msgpack.encode([told])).status_code == 204
