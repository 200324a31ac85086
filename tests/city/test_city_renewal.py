"""The city's key is replaced while it works: it never pauses, never confuses, and withdrawals do not wait for it."""

import itertools
from collections.abc import Callable

import city_house
import msgspec
import pytest
from city_disk import on_disk
from city_house import House
from city_people import face
from city_renewing import NEW, OLD, RenewingProvince
from city_sockets import wait_for
from city_visitors import Visitors

from yingbin import feed_wire, wire
from yingbin.galleries.protect import Domain, between, encode_transform, random_transform
from yingbin.wire import Outcome


@pytest.fixture(autouse=True)
def renewing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_house, "Province", RenewingProvince)


def province_of(house: House) -> RenewingProvince:
    assert isinstance(house.province, RenewingProvince)
    return house.province


def domain_on_disk(house: House) -> str:
    return on_disk(house)[1].key_id


def test_C8_city_renewal_pauses_nothing_and_confuses_nobody(house: House) -> None:
    visitors, province = Visitors(house.ready_box()), province_of(house)
    wait_for(lambda: visitors.sees(1) is Outcome.MATCHED)
    province.renew()
    while province.next_up_to < len(province.entries):
        province.next_up_to += 1
        at_home, elsewhere, stranger = visitors.sees(1), visitors.sees(3), visitors.sees(99)
        assert (at_home, elsewhere, stranger) == (Outcome.MATCHED, Outcome.MATCHED, Outcome.NOT_ENROLLED)
    wait_for(lambda: province.serves_next)
    province.finish()
    assert (visitors.sees(1), visitors.sees(3)) == (Outcome.MATCHED, Outcome.MATCHED)
    assert visitors.sees(99) is Outcome.NOT_ENROLLED
    wait_for(lambda: domain_on_disk(house) == NEW)
    house.stop()
    house.start()
    again = Visitors(house.ready_box())
    wait_for(lambda: again.sees(2) is Outcome.MATCHED)


def test_C5_withdrawal_does_not_wait_for_a_renewal(house: House) -> None:
    visitors, province = Visitors(house.ready_box()), province_of(house)
    wait_for(lambda: visitors.sees(1) is Outcome.MATCHED)
    province.renew()
    province.next_up_to = len(province.entries) - 1  # the city's heir stands one step before the end
    wait_for(lambda: province.next_asked_after == province.next_up_to)
    province.put(feed_wire.FeedKind.CARD_VIEW, "zhang", None)
    province.put(feed_wire.FeedKind.TEMPLATE, "t-zhang", None)
    wait_for(lambda: visitors.sees(1) is Outcome.NOT_ENROLLED, timeout_s=5)
    assert visitors.sees(2) is Outcome.MATCHED
    assert not province.serves_next
    province.next_up_to = len(province.entries)
    wait_for(lambda: province.serves_next)
    assert (visitors.sees(1), visitors.sees(2)) == (Outcome.NOT_ENROLLED, Outcome.MATCHED)


def test_C8_city_killed_in_the_middle_of_a_renewal_begins_it_again(open_house: Callable[..., House]) -> None:
    house = open_house(in_process=False)
    visitors, province = Visitors(house.ready_box()), province_of(house)
    wait_for(lambda: visitors.sees(1) is Outcome.MATCHED)
    province.renew()
    province.next_up_to = len(province.entries) - 1
    wait_for(lambda: province.next_asked_after == province.next_up_to)
    house.kill()
    province.down = True
    house.start()  # with what it served when it was killed, and no part of the other
    alone = Visitors(house.ready_box())
    wait_for(lambda: alone.sees(1) is Outcome.MATCHED)
    assert domain_on_disk(house) == OLD
    province.down = False
    province.next_up_to = len(province.entries)
    wait_for(lambda: province.serves_next)
    assert (alone.sees(1), alone.sees(99)) == (Outcome.MATCHED, Outcome.NOT_ENROLLED)


def test_city_that_missed_a_renewal_begins_with_a_snapshot(house: House) -> None:
    wait_for(lambda: Visitors(house.ready_box()).sees(1) is Outcome.MATCHED)
    house.stop()
    province_of(house).renew()
    province_of(house).finish()
    house.start()
    visitors = Visitors(house.ready_box())
    wait_for(lambda: visitors.sees(1) is Outcome.MATCHED)
    wait_for(lambda: domain_on_disk(house) == NEW)


def test_box_with_a_key_that_was_retired_is_told_to_get_its_bundle(house: House) -> None:
    house.ready_box().close()
    key, _ = house.boxes["box-1"]
    renewed = random_transform(128)
    house.boxes["box-1"] = (key, renewed)
    refused = wait_for(lambda: isinstance((box := house.box()).greeting, wire.Refused) and box)
    assert isinstance(refused.greeting, wire.Refused)
    assert refused.greeting.code == "box_key_retired"
    assert "bundle" in refused.greeting.message
    house.put_box("box-1")
    assert Visitors(house.ready_box()).sees(1) is Outcome.MATCHED


def test_C8_a_look_that_waited_over_a_boxs_renewal_is_taken_until_that_is_finished(house: House) -> None:
    key, old = house.boxes["box-1"]
    waited = house.ready_box()
    look = msgspec.structs.replace(waited.event(face(1), 7), boot_id=waited.boot, key_id=Domain.of(old).key_id)
    new = random_transform(128)
    maps = {Domain.of(one).key_id: encode_transform(between(one, house.province.r_city)) for one in (old, new)}
    house.province.put(
        feed_wire.FeedKind.BOX, "box-1", feed_wire.Box("box-1", "branch-1", key.public_bytes, False, maps)
    )
    house.boxes["box-1"] = (key, new)
    box = house.ready_box()
    assert box.ask(look).outcome is Outcome.MATCHED
    of_the_new = msgspec.structs.replace(look, track=8, key_id="")  # not what it is
    assert box.ask(of_the_new).outcome is not Outcome.MATCHED
    assert box.look(face(1), 9).outcome is Outcome.MATCHED
    house.put_box("box-1")
    tracks = itertools.count(10)

    def refused() -> bool:
        answer = box.ask(msgspec.structs.replace(look, track=next(tracks)))
        return isinstance(answer, wire.Refused) and answer.code == "box_key_retired"

    wait_for(refused)
    assert box.look(face(1), 5).outcome is Outcome.MATCHED
