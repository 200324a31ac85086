"""Watch lists at the city (C13): who is told, what he is told, and that nobody else notices anything."""

import base64
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from city_house import CITY, PIN, House
from city_people import face
from city_sockets import wait_for
from city_watch import STRANGER, WANTED, entry, furnish, seen, welcome

from city_server.watch.webhook import signed_text
from yingbin import wire
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.trust.devices import verify_signature
from yingbin.trust.staff import Role, issue_staff_token
from yingbin.wire import Outcome


class Desk:
    """The security page of one person."""

    def __init__(self, house: House, staff_id: str) -> None:
        self._url = f"http://{house.address}/v1/watch"
        body = {"staff_id": staff_id, "pin": PIN}
        reply = wait_for(lambda: (r := httpx.post(f"{self._url}/sessions", json=body)).status_code == 200 and r)
        self._headers = {"Authorization": f"Bearer {reply.json()['token']}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self._url}/{path}", headers=self._headers, timeout=40, **options)

    def alerts(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.ask("GET", "alerts").json()["items"]
        return items


@pytest.fixture
def watched(house: House) -> House:
    return furnish(house)


def test_C13_police_goes_to_the_security_of_the_branch_and_rings_until_acknowledged(watched: House) -> None:
    guard, elsewhere, manager = Desk(watched, "guard-1"), Desk(watched, "guard-2"), Desk(watched, "am-1")
    answer, stranger = seen(watched, WANTED, STRANGER)
    (alert,) = wait_for(guard.alerts)
    assert (alert["watch_list"], alert["rings"]) == ("police", True)
    assert "某甲" not in str(alert), "what lies open on a screen names nobody"
    assert (elsewhere.alerts(), manager.alerts()) == ([], [])
    opened = guard.ask("GET", f"alerts/{alert['alert_id']}").json()
    assert (opened["subject"], opened["document_number"], opened["camera_id"]) == ("某甲 entry-1", "公缉 17", "cam-1")
    assert elsewhere.ask("GET", f"alerts/{alert['alert_id']}").status_code == 404
    assert elsewhere.ask("POST", f"alerts/{alert['alert_id']}/acknowledge").status_code == 404
    assert [guard.ask("POST", f"alerts/{alert['alert_id']}/acknowledge").status_code for _ in range(2)] == [204, 204]
    (after,) = guard.alerts()
    assert (after["rings"], after["acknowledged_at_ms"] is not None) == (False, True)
    (told,) = wait_for(lambda: list(watched.province.answered))  # the province hears how soon, and of nobody
    assert (told.alert_id, told.branch_id, told.watch_list) == (alert["alert_id"], "branch-1", "police")
    assert (told.raised_at_ms, told.acknowledged_at_ms) == (after["raised_at_ms"], after["acknowledged_at_ms"])
    # Basic service is the same for him as for any stranger.
    assert isinstance(answer, wire.FaceAnswer)
    assert isinstance(stranger, wire.FaceAnswer)
    assert (answer.outcome, answer.want_photo) == (stranger.outcome, stranger.want_photo)


def test_C13_overdue_goes_to_the_account_manager_alone_without_a_ring(watched: House) -> None:
    responsible, other, guard = (Desk(watched, name) for name in ("am-1", "am-2", "guard-1"))
    pad = watched.pad("rm-1")
    (answer,) = seen(watched, 1)
    (alert,) = wait_for(responsible.alerts)
    assert (alert["watch_list"], alert["rings"]) == ("overdue", False)
    assert "某甲" not in str(alert)
    assert responsible.ask("GET", f"alerts/{alert['alert_id']}").json()["subject"] == "某甲 entry-2"
    assert (other.alerts(), guard.alerts()) == ([], [])
    assert other.ask("GET", f"alerts/{alert['alert_id']}").status_code == 404
    # He is greeted as the VIP he is, and nothing on his card tells.
    assert isinstance(answer, wire.FaceAnswer)
    assert answer.outcome is Outcome.MATCHED
    card = pad.card(lambda message: message.card.customer_id == "zhang")
    assert card.ring
    for word in ("overdue", "police", "公缉", "某甲", "entry-2"):
        assert word not in msgspec.json.encode(card).decode()


def test_C13_one_person_is_one_alert_and_the_page_waits_for_news(watched: House) -> None:
    guard = Desk(watched, "guard-1")
    empty = guard.ask("GET", "alerts").json()["version"]
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(
        target=lambda: found.extend(guard.ask("GET", f"alerts?known={empty}&wait_s=30").json()["items"])
    )
    waiting.start()
    box = watched.ready_box()
    wait_for(lambda: any("police" in (c.assessment.galleries if c.assessment else ()) for c in welcome(box).cameras))
    for track in range(3):
        box.look(face(WANTED), track)
    waiting.join(35)
    assert [one["watch_list"] for one in found] == ["police"]
    assert len(guard.alerts()) == 1


def test_C13_a_tablets_token_opens_nothing_of_it_and_no_other_role_signs_in(watched: House) -> None:
    url = f"http://{watched.address}/v1/watch"
    guard = Desk(watched, "guard-1")
    for staff_id in ("rm-1", "lobby-1", "boss-1"):
        tablet = {"Authorization": f"Bearer {watched.token(staff_id)}"}
        for method, path in (("GET", "alerts"), ("GET", "alerts/x"), ("POST", "alerts/x/acknowledge")):
            assert httpx.request(method, f"{url}/{path}", headers=tablet).status_code == 401
        refused = httpx.post(f"{url}/sessions", json={"staff_id": staff_id, "pin": PIN})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:yingbin:not_allowed")
    assert httpx.get(f"{url}/alerts").status_code == 401
    for role in Role:
        forged = issue_staff_token(
            b"k" * 32, f"yingbin-city-watch:{CITY}", "guard-1", role, "branch-1", now_s=time.time()
        )
        assert httpx.get(f"{url}/alerts", headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    assert guard.alerts() == []


def test_C3_a_camera_whose_assessment_names_no_watch_list_is_compared_with_none(
    open_house: Callable[..., House],
) -> None:
    house = furnish(open_house(), galleries=("vip", "potential"))
    guard = Desk(house, "guard-1")
    box = house.ready_box()
    box.look(face(WANTED), 1)
    box.look(face(1), 2)
    assert (guard.alerts(), Desk(house, "am-1").alerts()) == ([], [])


@pytest.mark.parametrize("ends", ["removed", "order over", "another branch"])
def test_C13_an_entry_that_has_ended_or_is_for_elsewhere_tells_nobody(
    open_house: Callable[..., House], ends: str
) -> None:
    house = furnish(open_house())
    guard = Desk(house, "guard-1")
    made = entry(house, "entry-1", "police", WANTED)
    changed = {
        "removed": None,
        "order over": msgspec.structs.replace(made, valid_until_ms=now_ms() - 1),
        "another branch": msgspec.structs.replace(made, branch_id="branch-2"),
    }
    house.province.put(FeedKind.WATCH_ENTRY, "entry-1", changed[ends])
    house.province.put(FeedKind.WATCH_ENTRY, "entry-3", entry(house, "entry-3", "police", 72))
    wait_for(lambda: (seen(house, 72), guard.alerts())[1])
    seen(house, WANTED)
    assert len(guard.alerts()) == 1


def test_C13_the_lists_survive_a_restart(open_house: Callable[..., House]) -> None:
    house = furnish(open_house())
    seen(house, STRANGER)
    house.stop()
    house.start()
    guard = Desk(house, "guard-1")
    seen(house, WANTED)
    assert len(wait_for(guard.alerts)) == 1


class SecurityDesk(http.server.BaseHTTPRequestHandler):
    """Answers 503 twice, then takes what comes."""

    got: list[tuple[dict[str, str], bytes, int]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 503 if len(self.got) < 2 else 204
        self.got.append((dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def desk() -> Iterator[tuple[str, type[SecurityDesk]]]:
    handler = type("Handler", (SecurityDesk,), {"got": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/alerts", handler
    server.shutdown()
    server.server_close()


def test_C13_the_security_desk_is_told_by_signed_webhook_until_it_takes_it(
    open_house: Callable[..., House], desk: tuple[str, type[SecurityDesk]]
) -> None:
    url, handler = desk
    house = furnish(open_house(watch_webhook_url=url))
    seen(house, WANTED, 1)
    wait_for(lambda: any(status == 204 for _, _, status in handler.got))
    headers, body, _ = handler.got[-1]
    signature = base64.b64decode(headers["Yingbin-Signature"].removeprefix("ed25519="))
    verify_signature(house.province.public_key, signature, signed_text(headers["Yingbin-Timestamp"], body))
    told = msgspec.json.decode(body)
    assert (told["city_id"], told["watch_list"], told["branch_id"]) == (CITY, "police", "branch-1")
    assert "某甲" not in body.decode()
    assert len({msgspec.json.decode(body)["alert_id"] for _, body, _ in handler.got}) == 1, "never of overdue"
