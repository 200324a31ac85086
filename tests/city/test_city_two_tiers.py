"""City and province: a province that is away, slow or lying, and a feed that is cut off in the middle."""

import time
from collections.abc import Callable

import msgspec
import pytest
from city_box import BoxClient
from city_house import House
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.search_wire import SearchHit
from yingbin.wire import Outcome

TIMEOUT_S = 1.0
"""`province_timeout_s` of the house."""


def guest(house: House, number: int) -> None:
    house.province.enrol(house.view(f"guest-{number}", rm=""), face(500 + number), house.pack.pack_id)


def some_track() -> int:
    return 10_000 + time.monotonic_ns() % 10**9


def strangers(box: BoxClient, first: int, count: int) -> list[wire.Outcome]:
    answers = [box.look(face(first + n), first + n) for n in range(count)]
    return [answer.outcome for answer in answers if isinstance(answer, wire.FaceAnswer)]


def test_misses_at_one_moment_share_a_request(open_house: Callable[..., House]) -> None:
    house = open_house(province_batch_wait_ms=500.0)
    box = house.ready_box()
    box.ask(*(box.event(face(100 + n), n) for n in range(12)))
    assert sum(house.province.batches) == 12
    assert len(house.province.batches) <= 3, "a box's events are taken as they come in; those queued go together"


def test_an_open_breaker_asks_nobody(open_house: Callable[..., House]) -> None:
    house = open_house(breaker_open_s=1000.0, breaker_failures=3)
    box = house.ready_box()
    house.province.search_status = 503
    assert Outcome.MATCHED not in strangers(box, 1000, 3)
    assert house.province.searches == 3
    assert Outcome.MATCHED not in strangers(box, 1010, 5)
    assert house.province.searches == 3
    assert house.pad("rm-1").next(pad_wire.Beat).degraded


def test_a_trial_closes_the_breaker_or_leaves_it_open(open_house: Callable[..., House]) -> None:
    house = open_house(breaker_open_s=0.3, breaker_failures=2)
    box = house.ready_box()
    house.province.search_status = 503
    strangers(box, 1000, 2)
    wait_for(lambda: strangers(box, some_track(), 1) and house.province.searches >= 4)
    assert house.pad("rm-1").next(pad_wire.Beat).degraded
    house.province.search_status = 0
    wait_for(lambda: box.look(face(3), some_track()).outcome is Outcome.MATCHED)
    assert not house.pad("rm-2").next(pad_wire.Beat).degraded


def test_one_camera_that_the_province_refuses_does_not_cut_off_the_others(house: House) -> None:
    box = house.ready_box()
    house.province.search_status = 403
    strangers(box, 1000, 6)
    house.province.search_status = 0
    assert box.look(face(3), 2000).outcome is Outcome.MATCHED


@pytest.mark.parametrize("drips", [False, True])
def test_a_slow_province_holds_nobody_longer_than_its_time(house: House, drips: bool) -> None:
    """Whom the city knows is not asked about, and a miss is answered without the province."""
    box, other, pad = house.ready_box("box-1"), house.ready_box("box-2"), house.pad("rm-1")
    house.province.drips, house.province.search_takes_s = drips, 0.0 if drips else 60.0
    began = time.monotonic()
    for event in (box.event(face(99), 1), box.event(face(2), 2)):
        box.socket.send(wire.encode(event))
    assert other.look(face(1), 1, camera="cam-2").outcome is Outcome.MATCHED
    assert pad.card(lambda message: message.card.customer_id == "zhang").ring
    assert [box.receive().outcome is Outcome.MATCHED for _ in range(2)] == [False, True]
    assert time.monotonic() - began < 60 * TIMEOUT_S  # what it would take to wait for that province


@pytest.mark.parametrize(
    "lie",
    [
        lambda hits: [],
        lambda hits: [*hits, SearchHit(Outcome.NOT_ENROLLED, None)],
        lambda hits: [SearchHit(Outcome.MATCHED, None) for _ in hits],
        lambda hits: [
            SearchHit(Outcome.MATCHED, msgspec.structs.replace(House.view("x", rm=""), gallery="police")) for _ in hits
        ],
    ],
    ids=["no hits", "too many hits", "a match of nobody", "a gallery that is not searched"],
)
def test_a_province_that_lies_names_nobody(house: House, lie: Callable[[list[SearchHit]], list[SearchHit]]) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    house.province.hits = lie
    assert box.look(face(99), 1).outcome is not Outcome.MATCHED
    assert pad.quiet() == []


def test_a_city_killed_in_the_middle_of_a_snapshot_goes_on_where_it_was(open_house: Callable[..., House]) -> None:
    house = open_house(in_process=False, started=False)
    for number in range(40):
        guest(house, number)
    house.province.page_entries = 7
    house.province.down_after = 35
    house.start()
    wait_for(lambda: 35 in house.province.asked_after)
    house.kill()
    asked = len(house.province.asked_after)
    house.province.down_after = None
    house.start()
    box = house.ready_box()
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    assert box.look(face(539), 1).outcome is Outcome.MATCHED
    assert box.look(face(1), 2).outcome is Outcome.MATCHED
    assert house.province.asked_after[:6] == [0, 7, 14, 21, 28, 35]
    assert min(house.province.asked_after[asked:]) == 35  # no page was fetched twice


def test_an_event_of_a_camera_that_is_on_its_way_is_not_refused_for_good(open_house: Callable[..., House]) -> None:
    """After a restart in the middle of a snapshot the city has the boxes and not yet the cameras."""
    house = open_house(started=False, catch_up_wait_s=0.2)
    kinds = [entry.kind for entry in house.province.entries]
    house.province.page_entries = house.province.down_after = kinds.index(FeedKind.CAMERA)
    house.start()
    wait_for(lambda: house.province.down_after in house.province.asked_after)
    house.stop()
    house.start()
    box = house.ready_box()
    refused = box.look(face(1), 1)
    assert isinstance(refused, wire.Refused)
    assert refused.code == "matching_stopped"  # which a box keeps and sends again
    house.province.down_after = None

    def answered() -> wire.FaceAnswer | None:
        answer = box.look(face(1), 1)
        return answer if isinstance(answer, wire.FaceAnswer) else None

    assert wait_for(answered).outcome is Outcome.MATCHED


def test_C5_nobody_is_matched_from_half_a_snapshot(open_house: Callable[..., House]) -> None:
    """Zhang is in the part that came; that he has withdrawn may be in the part that did not."""
    house = open_house(started=False, catch_up_wait_s=0.2)
    for number in range(10):
        guest(house, number)
    house.province.put(FeedKind.TEMPLATE, "t-zhang", None)
    house.province.put(FeedKind.CARD_VIEW, "zhang", None)
    house.province.page_entries = len(house.province.entries) - 2
    house.province.down_after = house.province.page_entries
    house.start()
    wait_for(lambda: house.province.down_after in house.province.asked_after)
    box = house.box()
    assert isinstance(box.greeting, wire.Refused)
    house.province.down_after = None
    assert house.ready_box().look(face(1), 1).outcome is not Outcome.MATCHED


def test_C5_a_withdrawal_reaches_an_online_city_within_5_s(house: House) -> None:
    box = house.ready_box()
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    house.province.put(FeedKind.TEMPLATE, "t-zhang", None)
    house.province.put(FeedKind.CARD_VIEW, "zhang", None)
    wait_for(lambda: box.look(face(1), some_track()).outcome is not Outcome.MATCHED, timeout_s=5.0)


def test_C5_an_offline_city_applies_what_it_missed_before_its_first_search(house: House) -> None:
    """The withdrawal is on the last of many pages; once the first of them is there nobody is searched until it is."""
    box, known = house.ready_box(), len(house.province.entries)
    house.province.down = True
    for number in range(30):
        guest(house, number)
    house.province.put(FeedKind.TEMPLATE, "t-zhang", None)
    house.province.put(FeedKind.CARD_VIEW, "zhang", None)
    house.province.page_entries = 4
    house.province.down = False
    wait_for(lambda: known + 4 in house.province.asked_after)
    answer = box.look(face(1), 1)
    assert isinstance(answer, wire.Refused) or answer.outcome is not Outcome.MATCHED
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    assert box.look(face(529), 2).outcome is Outcome.MATCHED
    assert box.look(face(1), 3).outcome is not Outcome.MATCHED


def test_C5_a_damaged_page_is_refused_and_nobody_is_matched_until_the_snapshot_is_there(
    open_house: Callable[..., House],
) -> None:
    house = open_house(catch_up_wait_s=0.2)
    box = house.ready_box()
    house.province.corrupt_pages = 10**6
    house.province.asked_after.clear()
    guest(house, 1)
    wait_for(lambda: house.province.asked_after.count(0) >= 2)  # a snapshot was asked for, and it is damaged too
    assert box.look(face(501), 1).code == "matching_stopped"
    assert box.look(face(1), 2).code == "matching_stopped"
    house.province.corrupt_pages = 0
    wait_for(lambda: isinstance(box.look(face(501), 3), wire.FaceAnswer))
    assert box.look(face(1), 4).outcome is Outcome.MATCHED
