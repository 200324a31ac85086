"""What a city relies on when it asks for several people at once, or is half way through a snapshot."""

import msgspec
import pytest
from province_harness import StandInReader, World

from yingbin import search_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.milvus_index import MilvusFailed
from yingbin.wire import Outcome


def test_a_batch_is_one_request_and_answered_in_order(world: World) -> None:
    for name in ("li", "wang", "zhao"):
        world.enrolled(name, world.branch_a)
    asked = ["wang", "stranger", "li", "zhao", "li"]
    request = search_wire.SearchRequest(StandInReader.pack_id, tuple(world.probe(who) for who in asked))
    reply = wire.decode(world.b.ask("POST", "search", content=wire.encode(request)).content, search_wire.SearchReply)
    found = [hit.card_view.customer_id if hit.card_view else hit.outcome for hit in reply.hits]
    assert found[0] == "wang"
    assert found[1] in {Outcome.NOT_ENROLLED, Outcome.BETTER_SHOT}
    assert found[2:] == ["li", "zhao", "li"]


def test_a_hit_in_another_city_names_the_home_branch(world: World) -> None:
    world.enrolled("li", world.branch_a)
    (hit,) = wire.decode(world.search(world.probe("li")).content, search_wire.SearchReply).hits
    assert hit.card_view is not None
    assert hit.card_view.home_branch_id == world.branch_a
    assert (hit.card_view.home_branch_zh, hit.card_view.home_branch_en) == ("支行", "Branch")
    assert not any(view.home_branch_zh for view in world.a.kinds(FeedKind.CARD_VIEW))


def test_C5_who_withdraws_during_a_snapshot_is_gone_at_its_end(world: World) -> None:
    """His template is on a page that the city has already; that he is gone comes with a later one."""
    for number in range(8):
        world.enrolled(f"guest-{number}", world.branch_a)
    held: dict[tuple[FeedKind, str], bytes] = {}
    page, withdrawn = world.a.page(0), False
    while True:
        for entry in page.entries:
            if entry.payload is None:
                held.pop((entry.kind, entry.key), None)
            else:
                held[entry.kind, entry.key] = entry.payload
        if not withdrawn and (FeedKind.CARD_VIEW, "guest-0") in held and page.up_to < page.head:
            assert world.withdraw("guest-0", "vip_service").status_code == 204
            withdrawn = True
        elif page.up_to >= page.head:
            break
        page = world.a.page(page.up_to)
    assert withdrawn
    templates = [msgspec.msgpack.decode(raw)["customer_id"] for (kind, _), raw in held.items() if kind == "template"]
    assert sorted(templates) == [f"guest-{number}" for number in range(1, 8)]
    assert (FeedKind.CARD_VIEW, "guest-0") not in held


def test_a_page_may_be_asked_for_again(world: World) -> None:
    """A city that was killed before it had stored a page asks for the same one."""
    world.enrolled("li", world.branch_a)
    first = world.a.page(0)
    second = world.a.page(first.up_to)
    again = world.a.page(first.up_to)
    assert (again.entries, again.up_to, again.checksum) == (second.entries, second.up_to, second.checksum)


def test_C5_a_withdrawal_counts_even_when_the_index_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Milvus may: the vector stays where it was, and nobody is told of it."""
    world.enrolled("li", world.branch_a)
    assert world.found("li") == "li"
    head = world.a.page(0).head

    def fails(_: str) -> None:
        raise MilvusFailed("does not answer")

    monkeypatch.setattr(world.province.galleries, "remove_customer", fails)
    assert world.withdraw("li", "vip_service").status_code == 204
    assert world.found("li") is None
    assert {entry.kind for entry in world.a.page(head).entries} == {FeedKind.CARD_VIEW, FeedKind.TEMPLATE}
