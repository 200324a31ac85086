"""A small province to test against, spoken to over HTTP only."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import numpy as np
import uvicorn
from sqlalchemy import select

from province_server.app import Province, Stores, build
from province_server.auth import AUDIENCE
from province_server.keys import city_key
from province_server.settings import ProvinceSettings
from yingbin import feed_wire, search_wire, wire
from yingbin.faces.enrolment import Acquired, EnrolmentRefused, Examined, Reason, verdicts
from yingbin.faces.face import Face
from yingbin.faces.quality import Quality
from yingbin.faces.scores import ScoreModel
from yingbin.galleries import protect
from yingbin.http.serve import bind
from yingbin.ids import now_ms
from yingbin.storage.province import BranchRow, StaffRow
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.trust.staff import Role, issue_city_token, issue_staff_token, now_s

DIMENSION = 128
YEAR_MS = 365 * 86_400_000
ALL_PURPOSES = ("vip_service", "central_storage", "marketing")


def vector_of(photo: bytes) -> protect.Vector:
    """Return what `StandInReader` makes of a photo: pseudo-random, so different photos are far apart."""
    seed = int.from_bytes(hashlib.sha256(photo).digest()[:8], "big")
    return protect.normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


class StandInReader:
    """Vectors without a model, where faces are not what is tested."""

    pack_id = "stand-in-00000000"
    dimension = DIMENSION
    scores = ScoreModel(0.0, 0.09)

    def read(self, content: bytes) -> Acquired:
        if not content:
            raise EnrolmentRefused(Reason.NO_FACE)
        box, points = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)
        return Acquired(Face(box, points, 0.9), Quality(112, 0, 0, 0.9, 120, 50, 0.9), vector_of(content))

    def examine(self, content: bytes) -> tuple[int, int, Examined]:
        return 1, 1, Examined([], None, verdicts([], None))


class City:
    def __init__(self, province: Province, http: httpx.Client, city_id: str, key: DeviceKey) -> None:
        self.province, self.http, self.city_id, self.key = province, http, city_id, key

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        token = issue_city_token(self.key, self.city_id, AUDIENCE, now_s=now_s())
        if path.endswith("/portrait"):
            options.setdefault("params", {"staff_id": self.manager()})
        return self.http.request(method, f"/v1/city/{path}", headers={"Authorization": f"Bearer {token}"}, **options)

    def manager(self) -> str:
        """Return somebody who works at a branch of this city; the feed is not told."""
        staff_id = f"rm-{self.city_id}"
        with self.province.stores.identity.write() as session:
            if session.get(StaffRow, staff_id) is None:
                branch = session.scalars(select(BranchRow.branch_id).where(BranchRow.city_id == self.city_id)).first()
                row = StaffRow(staff_id=staff_id, display_name="rm", role=Role.RM, branch_id=branch, secret_hash="")
                row.on_duty = True
                session.add(row)
        return staff_id

    def page(self, after: int, wait_s: float = 0, key_id: str = "") -> feed_wire.FeedPage:
        key_id = key_id or self.province.keys.domains(city_key(self.city_id))[0].key_id
        reply = self.ask("GET", "feed", params={"after": after, "wait_s": wait_s, "key_id": key_id}, timeout=30)
        assert reply.status_code == 200, reply.text
        return wire.decode(reply.content, feed_wire.FeedPage)

    def replica(self, key_id: str = "") -> dict[tuple[feed_wire.FeedKind, str], Any]:
        """Everything this city is told, from a snapshot to the head, in the serving domain or another."""
        held: dict[tuple[feed_wire.FeedKind, str], Any] = {}
        after, head = 0, 1
        while after < head:
            page = self.page(after, key_id=key_id)
            assert hashlib.sha256(msgspec.msgpack.encode(page.entries)).digest() == page.checksum
            assert page.snapshot == (after == 0)
            for entry in page.entries:
                if entry.payload is None:
                    held.pop((entry.kind, entry.key), None)
                else:
                    held[entry.kind, entry.key] = feed_wire.feed_payload(entry)
            after, head = page.up_to, page.head
        return held

    def kinds(self, kind: feed_wire.FeedKind) -> list[Any]:
        return [thing for (found, _), thing in self.replica().items() if found is kind]


class World:
    """City a (branch, box, camera) and city b (the same), an administrator, and helpers to enrol."""

    def __init__(self, province: Province, url: str, folder: Path) -> None:
        self.province, self.url, self.folder = province, url, folder
        self.http = httpx.Client(base_url=url, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def token(self, role: Role) -> str:
        """Return the token of `a-<role>`, who is registered when he is first asked for."""
        identity, key, staff_id = self.province.stores.identity, self.province.keys.staff_token_key, f"a-{role}"
        with identity.read() as session:
            row = session.get(StaffRow, staff_id)
        if row is None:
            row = StaffRow(staff_id=staff_id, display_name=role, role=role, secret_hash="x", on_duty=False)
            with identity.write() as session:
                session.add(row)
                session.flush()
                session.expunge(row)
        return issue_staff_token(key, AUDIENCE, staff_id, role, "", now_s=now_s(), version=row.token_version)

    def call(self, method: str, path: str, role: Role = Role.GALLERY_ADMIN, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(role)}"}
        return self.http.request(method, f"/v1/{path}", headers=headers, **options)

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = self.call("POST", path, json=body)
        assert reply.status_code == 201, reply.text
        result: dict[str, Any] = reply.json()
        return result

    def set_up(self) -> None:
        self.assessment = self.made(
            "assessments",
            {"expires_at_ms": now_ms() + YEAR_MS, "roles": ["entrance"], "modes": ["feature"], "galleries": ["vip"]},
        )["assessment_id"]
        self.a, self.branch_a, self.bundle_a, self.camera_a = self._city("a")
        self.b, self.branch_b, self.bundle_b, self.camera_b = self._city("b")

    def settle(self, founder: "World") -> None:
        """Have the cities of an earlier world whose stores this one has a copy of."""
        self.assessment = founder.assessment
        self.a, self.branch_a = City(self.province, self.http, founder.a.city_id, founder.a.key), founder.branch_a
        self.b, self.branch_b = City(self.province, self.http, founder.b.city_id, founder.b.key), founder.branch_b
        self.bundle_a, self.camera_a = founder.bundle_a, founder.camera_a
        self.bundle_b, self.camera_b = founder.bundle_b, founder.camera_b

    def _city(self, name: str) -> tuple[City, str, BoxBundle, str]:
        key = DeviceKey.generate()
        city_id = self.made("cities", {"name": name, "public_key_base64": public(key)})["city_id"]
        branch = self.made("branches", {"city_id": city_id, "name_zh": "支行", "name_en": "Branch"})["branch_id"]
        raw = self.made("boxes", {"branch_id": branch, "public_key_base64": public(DeviceKey.generate())})
        bundle = msgspec.convert(raw, BoxBundle)
        camera = self.camera(branch, bundle.box_id, self.assessment)
        return City(self.province, self.http, city_id, key), branch, bundle, camera

    def camera(self, branch: str, box: str, assessment: str | None) -> str:
        body = {"branch_id": branch, "box_id": box, "role": "entrance", "assessment_id": assessment}
        return str(self.made("cameras", body)["camera_id"])

    def customer(self, customer_id: str, branch: str, purposes: tuple[str, ...] = ALL_PURPOSES) -> None:
        self.made("customers", record(customer_id, branch))
        for purpose in purposes:
            assert self.grant(customer_id, purpose).status_code == 204

    def grant(self, customer_id: str, purpose: str) -> httpx.Response:
        body = {"notice_version": "2026-1", "evidence": "paper 17"}
        return self.call("PUT", f"customers/{customer_id}/consents/{purpose}", json=body)

    def withdraw(self, customer_id: str, purpose: str) -> httpx.Response:
        return self.call("DELETE", f"customers/{customer_id}/consents/{purpose}")

    def photo(self, customer_id: str, content: bytes, gallery: str = "vip") -> httpx.Response:
        files = {"photo": ("p.jpg", content)}
        return self.call("POST", f"customers/{customer_id}/photos", files=files, data={"gallery": gallery})

    def enrolled(self, customer_id: str, branch: str) -> None:
        self.customer(customer_id, branch)
        assert self.photo(customer_id, customer_id.encode()).status_code == 201

    def probe(self, who: str, *, camera: str | None = None, assessment: str | None = None) -> search_wire.Probe:
        """Return a miss of city b: somebody's vector, as its box and then the city mapped it."""
        box = next(box for box in self.b.kinds(feed_wire.FeedKind.BOX) if box.box_id == self.bundle_b.box_id)
        at_city = protect.apply(
            protect.decode_transform(box.to_city[self.bundle_b.key_id], DIMENSION),
            protect.apply(self.bundle_b.transform, vector_of(who.encode())),
        )
        raw = protect.encode_probe(at_city)
        key_id = self.province.keys.domains(city_key(self.b.city_id))[0].key_id
        return search_wire.Probe(camera or self.camera_b, assessment or self.assessment, 3, 1, raw, key_id)

    def search(self, probe: search_wire.Probe, pack_id: str = StandInReader.pack_id) -> httpx.Response:
        return self.b.ask("POST", "search", content=wire.encode(search_wire.SearchRequest(pack_id, (probe,))))

    def found(self, who: str) -> str | None:
        return self.named(self.search(self.probe(who)))

    @staticmethod
    def named(reply: httpx.Response) -> str | None:
        """Return whom a search of one probe has found."""
        assert reply.status_code == 200, reply.text
        card = wire.decode(reply.content, search_wire.SearchReply).hits[0].card_view
        return card.customer_id if card else None


@contextmanager
def running(settings: ProvinceSettings, folder: Path, founder: World | None = None) -> Iterator[World]:
    """Run a province in this process, with two cities in it: new ones, or the founder's."""
    province = build(settings, Stores.open(settings), StandInReader())
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(province.app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with World(province, f"http://127.0.0.1:{listener.getsockname()[1]}", folder) as made:
        if founder is None:
            made.set_up()
        else:
            made.settle(founder)
        yield made
    server.should_exit = True
    thread.join(10)


def public(key: DeviceKey) -> str:
    return base64.b64encode(key.public_bytes).decode()


def record(customer_id: str, branch: str, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "full_name": "欧阳测试",
        "gender": "female",
        "birth_date": "1980-02-29",
        "tier": "vip_gold",
        "home_branch_id": branch,
        "profile": {"as_of": "2026-11-01", "demand_deposit_fen": 987_654_321, "demand_idle_days": 90},
        **changes,
    }
