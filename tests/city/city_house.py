"""A whole neighbourhood for the city's tests: a small real province over HTTP, boxes, tablets, and the city itself."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import numpy as np
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI, Request, Response
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from city_server.memory import checksum
from yingbin import pad_wire, wire
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import (
    Vector,
    apply,
    between,
    encode_probe,
    encode_template,
    encode_transform,
    normalise,
    random_transform,
)
from yingbin.ids import new_id, now_ms
from yingbin.trust.devices import DeviceKey, challenge_text
from yingbin.trust.staff import read_city_token

DIMENSION = 128
PACK = "tiny"
CITY = "hangzhou"
PIN = "246810"
PIN_HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PIN)  # the real scheme, at little cost
PASSPHRASE = "correct horse"
HOUR_MS = 3_600_000
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x40\x00\x40\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    + b"\x55" * 64
    + b"\xff\xd9"
)
T = TypeVar("T")


def face(seed: int) -> Vector:
    """Return a person's raw template."""
    return normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


def make_pack(root: Path) -> ModelPack:
    """Make a model pack in form only: the city needs its id, dimension and statistics, and never runs it."""
    folder = root / "models" / PACK
    folder.mkdir(parents=True)
    tasks = {}
    for name in ("detection", "recognition"):
        (folder / f"{name}.onnx").write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        tasks[name] = {"file": f"{name}.onnx", "sha256": digest, "preprocessing": {"mean": 0.0, "std": 1.0}}
    tasks["recognition"]["embedding_dimension"] = DIMENSION
    (folder / "LICENCE").write_text("none\n")
    (folder / "manifest.json").write_text(
        json.dumps({"manifest_version": 2, "model_id": PACK, "license": "LICENCE", "tasks": tasks})
    )
    return ModelPack.load(PACK, root)


def in_thread(app: FastAPI) -> tuple[uvicorn.Server, threading.Thread, str]:
    """Serve an app on a free port; return the server, its thread and the address without scheme."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="websockets-sansio", ws_max_size=wire.MAX_BOX_MESSAGE_BYTES,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    return server, thread, f"127.0.0.1:{listener.getsockname()[1]}"


def wait_for(check: Callable[[], T], timeout_s: float = 15.0) -> T:
    """Poll until `check` returns something true."""
    end = time.monotonic() + timeout_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("did not happen in time")
        time.sleep(0.01)


class Province:
    """The four routes a city uses, over a list of feed entries."""

    def __init__(self, city_public_key: bytes) -> None:
        self.r_city = random_transform(DIMENSION)
        self.entries: list[wire.FeedEntry] = []
        self.lease_ms = 24 * HOUR_MS
        self.down = False
        self.corrupt_pages = 0
        self.asked_after: list[int] = []
        self.elsewhere: dict[str, tuple[Vector, wire.CardView]] = {}
        self.batches: list[int] = []
        self.outcomes: dict[str, wire.OutcomeReport] = {}
        self._public_key = city_public_key
        self._server: tuple[uvicorn.Server, threading.Thread] | None = None
        self.address = ""

    def start(self) -> None:
        app = FastAPI()
        app.add_api_route("/v1/city/feed", self._feed, methods=["GET"])
        app.add_api_route("/v1/city/search", self._search, methods=["POST"])
        app.add_api_route("/v1/city/outcomes", self._outcomes, methods=["POST"])
        app.add_api_route("/v1/city/customers/{customer_id}/portrait", self._portrait, methods=["GET"])
        server, thread, self.address = in_thread(app)
        self._server = (server, thread)

    def stop(self) -> None:
        assert self._server
        self._server[0].should_exit = True
        self._server[1].join(10)

    def put(self, kind: wire.FeedKind, key: str, thing: msgspec.Struct | None) -> None:
        payload = None if thing is None else wire.encode(thing)
        self.entries.append(wire.FeedEntry(len(self.entries) + 1, kind, key, payload))

    def enrol(self, view: wire.CardView, raw: Vector, pack_id: str) -> None:
        self.put(wire.FeedKind.CARD_VIEW, view.customer_id, view)
        template = wire.Template(
            f"t-{view.customer_id}", view.customer_id, pack_id, view.gallery, encode_template(apply(self.r_city, raw))
        )
        self.put(wire.FeedKind.TEMPLATE, template.template_id, template)

    def _check(self, request: Request) -> Response | None:
        if self.down:
            return Response(status_code=503)
        token = request.headers["authorization"].removeprefix("Bearer ")
        read_city_token(token, lambda _: self._public_key, "yingbin-province", now_s=time.time())
        return None

    def _feed(self, request: Request, after: int, wait_s: int) -> Response:
        self.asked_after.append(after)
        end = time.monotonic() + min(wait_s, 0.2)
        while time.monotonic() < end and len(self.entries) <= after and not self.down:
            time.sleep(0.01)
        refused = self._check(request)
        if refused:
            return refused
        entries = tuple(self.entries[after:])
        digest = checksum(entries)
        if self.corrupt_pages and entries:
            self.corrupt_pages -= 1
            digest = bytes(32)
        head = len(self.entries)
        page = wire.FeedPage(after == 0, entries, head, head, digest, now_ms() + self.lease_ms)
        return Response(wire.encode(page))

    async def _search(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        asked = wire.decode(await request.body(), wire.SearchRequest)
        self.batches.append(len(asked.probes))
        hits = []
        for probe in asked.probes:
            vector = np.frombuffer(probe.vector, "<f2").astype(np.float32)
            found = [view for raw, view in self.elsewhere.values() if float(apply(self.r_city, raw) @ vector) > 0.8]
            hits.append(
                wire.SearchHit(wire.Outcome.MATCHED, found[0])
                if found
                else wire.SearchHit(wire.Outcome.NOT_ENROLLED, None)
            )
        return Response(wire.encode(wire.SearchReply(tuple(hits))))

    async def _outcomes(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        for one in wire.decode(await request.body(), list[wire.OutcomeReport]):
            self.outcomes[one.outcome_id] = one
        return Response(status_code=204)

    def _portrait(self, request: Request, customer_id: str) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        money = pad_wire.Money("活期存款", "Demand deposit", 12_345_600, f"core/{customer_id}", "2026-01-01")
        return Response(msgspec.json.encode([money]))


class House:
    """One city with its surroundings, on a folder that can be searched afterwards."""

    def __init__(self, folder: Path, monkeypatch: Any, *, in_process: bool, **overrides: Any) -> None:
        self.folder = folder
        root = folder / "packs"
        self.pack = make_pack(root)
        monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(root))
        self.data = folder / "data"
        self.data.mkdir()
        self.log_file = folder / "city.log"
        key = DeviceKey.generate()
        key.save(folder / "city.key")
        self.province = Province(key.public_bytes)
        self.province.start()
        self.boxes = {name: (DeviceKey.generate(), random_transform(DIMENSION)) for name in ("box-1", "box-2")}
        self._in_process = in_process
        self._overrides = overrides
        self._running: Any = None
        self.address = ""
        self._furnish()

    def _furnish(self) -> None:
        put, kind = self.province.put, wire.FeedKind
        for name in ("branch-1", "branch-2"):
            put(kind.BRANCH, name, wire.Branch(name, "西湖支行", "West Lake Branch"))
        for name in self.boxes:
            self.put_box(name)
        put(kind.CAMERA, "cam-1", self.camera("cam-1", "box-1", wire.CameraRole.ENTRANCE))
        put(kind.CAMERA, "cam-2", self.camera("cam-2", "box-2", wire.CameraRole.TICKET_MACHINE))
        for staff_id, role, branch in (
            ("rm-1", "rm", "branch-1"), ("rm-2", "rm", "branch-1"), ("lobby-1", "lobby", "branch-1"),
            ("boss-1", "branch_manager", "branch-1"), ("guard-1", "security", "branch-1"),
            ("lobby-2", "lobby", "branch-2"),
        ):  # fmt: skip
            put(kind.STAFF, staff_id, wire.Staff(staff_id, staff_id.upper(), role, branch, PIN_HASH, on_duty=True))
        self.province.enrol(self.view("zhang", rm="rm-1"), face(1), self.pack.pack_id)
        self.province.enrol(self.view("li", rm=""), face(2), self.pack.pack_id)
        self.province.elsewhere["wang"] = (face(3), self.view("wang", rm="rm-9", branch="ningbo-1"))

    def put_box(self, name: str, *, revoked: bool = False) -> None:
        key, transform = self.boxes[name]
        to_city = encode_transform(between(transform, self.province.r_city))
        self.province.put(wire.FeedKind.BOX, name, wire.Box(name, "branch-1", key.public_bytes, revoked, to_city))

    @staticmethod
    def camera(name: str, box: str, role: wire.CameraRole, **changes: Any) -> wire.Camera:
        assessment = wire.Assessment(
            "pia-1", now_ms() + HOUR_MS, (role,), (wire.CameraMode.FEATURE,), ("vip", "potential")
        )
        camera = wire.Camera(name, "branch-1", box, role, wire.CameraMode.FEATURE, assessment)
        return msgspec.structs.replace(camera, **changes)

    @staticmethod
    def view(customer_id: str, *, rm: str, branch: str = "branch-1") -> wire.CardView:
        products = [
            wire.Candidate(
                f"p{n}",
                f"产品{n}",
                f"Product {n}",
                1.0 - n / 10,
                1,
                investment=False,
                reason_zh="理由",
                reason_en="why",
            )
            for n in range(5)
        ]
        return wire.CardView(
            customer_id, "张", "女士", "Ms", "gold", branch, rm, "vip", personalised=True, risk_tolerance=3,
            risk_valid_until_ms=now_ms() + HOUR_MS, candidates=tuple(products), avoid=(),
        )  # fmt: skip

    # --- the city

    def settings(self) -> dict[str, Any]:
        return {
            "city_id": CITY,
            "port": 0,
            "key_file": str(self.folder / "city.key"),
            "database_url": f"sqlite:///{self.data / 'city.db'}",
            "keystore_file": str(self.folder / "keystore"),
            "keystore_passphrase": PASSPHRASE,
            "models_pack": PACK,
            "province_url": f"http://{self.province.address}",
            "province_timeout_s": 1.0,
            "feed_wait_s": 1,
            "feed_retry_max_s": 0.3,
            "breaker_open_s": 0.3,
            "outcome_retry_max_s": 1.0,
            **self._overrides,
        }

    def start(self) -> None:
        if self._in_process:
            from city_server.app import build
            from city_server.settings import CitySettings

            server, thread, self.address = in_thread(build(CitySettings(**self.settings())))
            self._running = (server, thread)
            return
        config = self.folder / "city.toml"
        config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in self.settings().items()))
        with self.log_file.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, "-c", "from yingbin.cli import main; main()", "city", "serve", f"--config={config}"],
                stdout=subprocess.PIPE, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        ready = json.loads(self._running.stdout.readline())
        self.address = ready["url"].removeprefix("http://")

    def stop(self) -> None:
        if self._running is None:
            return
        if self._in_process:
            self._running[0].should_exit = True
            self._running[1].join(15)
        else:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait(15)
        self._running = None

    def kill(self) -> None:
        self._running.kill()
        self._running.wait(15)
        self._running = None

    # --- its visitors

    def box(self, name: str = "box-1", **how: Any) -> "BoxClient":
        key, transform = self.boxes.get(name, (DeviceKey.generate(), random_transform(DIMENSION)))
        return BoxClient(self, name, key, transform, **how)

    def ready_box(self, name: str = "box-1") -> "BoxClient":
        """Return a box that the city lets in, as soon as it knows it."""

        def attempt() -> BoxClient | None:
            client = self.box(name)
            if isinstance(client.greeting, wire.Welcome):
                return client
            client.close()
            return None

        return wait_for(attempt)

    def token(self, staff_id: str) -> str:
        reply = wait_for(lambda: (r := self.sign_in(staff_id)).status_code == 200 and r)
        return str(reply.json()["token"])

    def sign_in(self, staff_id: str, pin: str = PIN) -> httpx.Response:
        return httpx.post(f"http://{self.address}/v1/sessions", json={"staff_id": staff_id, "pin": pin})

    def pad(self, staff_id: str, last_seq: int = 0) -> "PadClient":
        return PadClient(self, self.token(staff_id), last_seq)


class BoxClient:
    """A camera box as the wire sees it."""

    def __init__(
        self, house: House, name: str, key: DeviceKey, transform: Vector, *, boot: str | None = None, pack: str = ""
    ) -> None:
        self.boot = boot or new_id()
        self._transform = transform
        self.socket: ClientConnection = connect(
            f"ws://{house.address}/v1/box", compression=None, max_size=None, legacy=True
        )
        challenge = self.receive()
        assert isinstance(challenge, wire.Challenge)
        pack = pack or house.pack.pack_id
        text = challenge_text(challenge.nonce, challenge.city_id, name, self.boot, pack)
        self.socket.send(wire.encode(wire.Proof(name, self.boot, pack, key.sign(text))))
        self.greeting = self.receive()

    def receive(self, timeout_s: float = 15.0) -> wire.CityMessage:
        raw = self.socket.recv(timeout=timeout_s)
        assert isinstance(raw, bytes)
        return wire.decode_from_city(raw)

    def event(self, raw: Vector, track: int, seq: int = 0, camera: str = "cam-1", **changes: Any) -> wire.FaceEvent:
        vector = encode_probe(apply(self._transform, raw))
        event = wire.FaceEvent(camera, "pia-1", track, seq, 7, now_ms(), 80, 0.9, 4, vector)
        return msgspec.structs.replace(event, **changes)

    def ask(self, *events: wire.FaceEvent) -> wire.CityMessage:
        """Send events; return the answer to the last."""
        for event in events:
            self.socket.send(wire.encode(event))
        answer: wire.CityMessage | None = None
        for _ in events:
            answer = self.receive()
        assert answer is not None
        return answer

    def look(self, raw: Vector, track: int, seq: int = 0, camera: str = "cam-1", **changes: Any) -> wire.CityMessage:
        return self.ask(self.event(raw, track, seq, camera, **changes))

    def photo(self, track: int, jpeg: bytes = JPEG, camera: str = "cam-1") -> None:
        self.socket.send(wire.encode(wire.ScenePhoto(camera, track, jpeg)))

    def close_code(self) -> int:
        """Wait for the city to hang up."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=15)
        return self.socket.close_code or 0

    def close(self) -> None:
        self.socket.close()


class PadClient:
    """A tablet: collects what arrives, in a thread, and says `Received` only when told to."""

    def __init__(self, house: House, token: str, last_seq: int = 0) -> None:
        self.socket: ClientConnection = connect(f"ws://{house.address}/v1/pad", max_size=None, legacy=True)
        self._inbox: list[pad_wire.CityToPad] = []
        self.send(pad_wire.Hello(token, last_seq))
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for raw in self.socket:
                self._inbox.append(pad_wire.decode_from_city(raw))

    def send(self, message: msgspec.Struct) -> None:
        self.socket.send(pad_wire.encode(message))

    def next(self, kind: type[T], check: Callable[[T], bool] = lambda _: True) -> T:
        """Take the first message of a kind that passes `check`, waiting for it; the others stay."""

        def take() -> T | None:
            found = next((one for one in self._inbox if isinstance(one, kind) and check(one)), None)
            if found is not None:
                self._inbox.remove(found)
            return found

        return wait_for(take)

    def card(self, check: Callable[[pad_wire.CardMessage], bool] = lambda _: True) -> pad_wire.CardMessage:
        """Take the first card that passes `check`; the cards before it are passed over."""
        while True:
            message = self.next(pad_wire.CardMessage)
            if check(message):
                return message

    def quiet(self) -> list[pad_wire.CardMessage]:
        """Take the cards that arrive until the city has answered something asked now."""
        marker = new_id()
        self.send(pad_wire.Acknowledge(marker))
        self.next(pad_wire.PadRefused, lambda refused: refused.about == marker)
        cards = [one for one in self._inbox if isinstance(one, pad_wire.CardMessage)]
        for card in cards:
            self._inbox.remove(card)
        return cards

    def close_code(self) -> int:
        """Wait for the city to hang up."""
        wait_for(lambda: self.socket.close_code)
        return self.socket.close_code or 0

    def close(self) -> None:
        self.socket.close()
