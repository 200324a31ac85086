"""The city's key is replaced while it works: it never pauses, never confuses, and withdrawals do not wait for it."""

import sqlite3
from collections.abc import Callable

import city_house
import pytest
from city_house import House
from city_renewing import NEW, RenewingProvince
from city_sockets import wait_for
from city_visitors import Visitors

from yingbin import feed_wire, wire
from yingbin.galleries.protect import random_transform
from yingbin.wire import Outcome


@pytest.fixture(autouse=True)
def renewing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_house, "Province", RenewingProvince)


def province_of(house: House) -> RenewingProvince:
    assert isinstance(house.province, RenewingProvince)
    return house.province


def domains_on_disk(house: House) -> set[str]:
    with sqlite3.connect(house.data / "city.db") as database:
        return {row[0] for row in database.execute("SELECT DISTINCT key_id FROM replica")}


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
    wait_for(lambda: domains_on_disk(house) == {NEW})
    house.stop()
    house.start()
    again = Visitors(house.ready_box())
    wait_for(lambda: again.sees(2) is Outcome.MATCHED)


def test_C5_withdrawal_does_not_wait_for_a_renewal(house: House) -> None:
    visitors, province = Visitors(house.ready_box()), province_of(house)
    wait_for(lambda: visitors.sees(1) is Outcome.MATCHED)
    province.renew()
    province.next_up_to = len(province.entries) - 1  # the city's heir stands one step before the end
    wait_for(lambda: len(domains_on_disk(house)) == 2)
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
    wait_for(lambda: len(domains_on_disk(house)) == 2)
    house.kill()
    province.down = True
    house.start()  # with what it served when it was killed, and no part of the other
    alone = Visitors(house.ready_box())
    wait_for(lambda: alone.sees(1) is Outcome.MATCHED)
    assert len(domains_on_disk(house)) == 1
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
    wait_for(lambda: domains_on_disk(house) == {NEW})


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
