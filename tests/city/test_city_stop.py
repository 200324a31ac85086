"""A city is told to stop while somebody waits for news; a token ends with what it was issued for."""

import http.client
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from city_house import PIN, PIN_HASH, House
from city_pad import PadClient
from city_sockets import wait_for
from city_watch import furnish

from yingbin import feed_wire
from yingbin.feed_wire import FeedKind


def watch_token(house: House) -> str:
    url = f"http://{house.address}/v1/watch/sessions"
    body = {"staff_id": "guard-1", "pin": PIN}
    reply = wait_for(lambda: (r := httpx.post(url, json=body)).status_code == 200 and r)
    return str(reply.json()["token"])


def test_a_city_that_is_asked_for_news_stops_cleanly(open_house: Callable[..., House]) -> None:
    house = furnish(open_house(in_process=False))
    headers = {"Authorization": f"Bearer {watch_token(house)}"}
    url = f"http://{house.address}/v1/watch/alerts"
    known = httpx.get(url, headers=headers).json()["version"]
    lines = [http.client.HTTPConnection(house.address, timeout=60) for _ in range(2)]
    for line in lines:
        line.request("GET", f"/v1/watch/alerts?known={known}&wait_s=30", headers=headers)
    assert httpx.get(f"http://{house.address}/healthz").is_success  # what was sent before has been taken in
    house.stop()
    assert [line.getresponse().status for line in lines] == [200, 200]
    said = house.log_file.read_text()
    assert "timeout graceful shutdown exceeded" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "change",
    [{"version": 1}, {"role": "lobby"}, {"branch_id": "branch-2"}, None],
    ids=["a new PIN", "another role", "another branch", "he left"],
)
def test_C13_a_token_ends_with_what_it_was_issued_for(shared_house: House, change: dict[str, Any] | None) -> None:
    house = shared_house
    person: dict[str, Any] = {
        "staff_id": "rm-7", "display_name": "RM-7", "role": "rm", "branch_id": "branch-1", "pin_hash": PIN_HASH,
        "on_duty": True,
    }  # fmt: skip
    house.province.put(FeedKind.STAFF, "rm-7", feed_wire.Staff(**person))
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    token, other = house.token("rm-7"), house.token("rm-1")
    pad, unchanged = PadClient(house, token), PadClient(house, other)
    after = None if change is None else feed_wire.Staff(**{**person, **change})
    house.province.put(FeedKind.STAFF, "rm-7", after)
    assert pad.close_code() == 4401
    assert PadClient(house, token).close_code() == 4401
    assert unchanged.quiet() == []
    if change is not None:  # he signs in again, as what he is now
        assert house.sign_in("rm-7").status_code == 200
