"""Whoever connects is told of at the province, once, also when it was away meanwhile."""

import pytest
from city_house import House
from city_sockets import wait_for

from city_server.bundles import SEEN_EVERY_MS, Bundles
from yingbin.galleries.protect import Domain


def test_the_province_hears_which_bundle_a_box_uses_even_when_it_was_away(house: House) -> None:
    def told(box: str) -> bool:
        return house.province.bundles.get(box) == Domain.of(house.boxes[box][1]).key_id

    house.ready_box("box-1")
    wait_for(lambda: told("box-1"))
    house.province.down = True
    house.ready_box("box-2")
    house.province.down = False
    wait_for(lambda: told("box-2"))


def test_a_box_that_stays_connected_is_seen_again_and_its_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_ms = 1_000
    monkeypatch.setattr("city_server.bundles.now_ms", lambda: clock_ms)
    bundles = Bundles()
    bundles.connected("box-1", "k")
    bundles.told(bundles.untold())
    clock_ms += SEEN_EVERY_MS - 1
    assert bundles.untold() == []
    clock_ms += 1
    (seen,) = bundles.untold()
    assert (seen.at_ms, seen.seen_at_ms) == (1_000, clock_ms)
    bundles.told([seen])
    clock_ms += 7
    bundles.lost("box-1")
    (last,) = bundles.untold()
    assert (last.at_ms, last.seen_at_ms) == (1_000, clock_ms)
    bundles.told([last])
    clock_ms += 2 * SEEN_EVERY_MS
    assert bundles.untold() == [], "it is gone"


def test_a_connection_made_while_the_report_was_under_way_is_told_too() -> None:
    bundles = Bundles()
    bundles.connected("box-1", "old")
    under_way = bundles.untold()
    bundles.connected("box-1", "new")
    bundles.told(under_way)
    assert [one.key_id for one in bundles.untold()] == ["new"]
    bundles.told(bundles.untold())
    assert bundles.untold() == []
