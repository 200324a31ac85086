"""A whole neighbourhood for the city's tests: a small real province, boxes, tablets, and the city itself."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import msgspec
from argon2 import PasswordHasher
from city_box import BoxClient
from city_pad import PadClient
from city_people import DIMENSION, PACK, face, make_pack
from city_province import HOUR_MS, Province
from city_sockets import in_thread, wait_for

from yingbin import feed_wire, wire
from yingbin.galleries.protect import (
    Domain,
    between,
    encode_transform,
    random_transform,
)
from yingbin.ids import now_ms
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.devices import DeviceKey
from yingbin.trust.keystore import FileKeyStore

CITY = "hangzhou"
PIN = "246810"
PIN_HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PIN)  # the real scheme, at little cost
PASSPHRASE = "correct horse"


@functools.cache
def empty_store() -> bytes:
    """Return a migrated database of a city: every house begins with a copy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.db"
        database = Database(f"sqlite:///{path}")
        migrate.upgrade(database, migrate.Tree.CITY)
        database.close()
        return path.read_bytes()


@functools.cache
def empty_keystore() -> bytes:
    """Return a key store without keys: those of all houses derive the same key, once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keystore"
        FileKeyStore(path, PASSPHRASE)
        return path.read_bytes()


class House:
    """One city with its surroundings, on a folder that can be searched afterwards."""

    def __init__(self, folder: Path, monkeypatch: Any, *, in_process: bool, **overrides: Any) -> None:
        self.folder = folder
        root = folder / "packs"
        self.pack = make_pack(root)
        monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(root))
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "city.db").write_bytes(empty_store())
        (folder / "keystore").write_bytes(empty_keystore())
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
        put, kind = self.province.put, feed_wire.FeedKind
        for name in ("branch-1", "branch-2"):
            put(kind.BRANCH, name, feed_wire.Branch(name, "西湖支行", "West Lake Branch"))
        for name in self.boxes:
            self.put_box(name)
        put(kind.CAMERA, "cam-1", self.camera("cam-1", "box-1", wire.CameraRole.ENTRANCE))
        put(kind.CAMERA, "cam-2", self.camera("cam-2", "box-2", wire.CameraRole.TICKET_MACHINE))
        for staff_id, role, branch in (
            ("rm-1", "rm", "branch-1"), ("rm-2", "rm", "branch-1"), ("lobby-1", "lobby", "branch-1"),
            ("boss-1", "branch_manager", "branch-1"), ("guard-1", "security", "branch-1"),
            ("lobby-2", "lobby", "branch-2"),
        ):  # fmt: skip
            put(kind.STAFF, staff_id, feed_wire.Staff(staff_id, staff_id.upper(), role, branch, PIN_HASH, on_duty=True))
        self.province.enrol(self.view("zhang", rm="rm-1"), face(1), self.pack.pack_id)
        self.province.enrol(self.view("li", rm=""), face(2), self.pack.pack_id)
        wang = self.view("wang", rm="rm-9", branch="ningbo-1")
        wang = msgspec.structs.replace(wang, home_branch_zh="宁波分行", home_branch_en="Ningbo Branch")
        self.province.elsewhere["wang"] = (face(3), wang)

    def put_box(self, name: str, *, revoked: bool = False) -> None:
        key, transform = self.boxes[name]
        to_city = encode_transform(between(transform, self.province.r_city))
        self.province.put(
            feed_wire.FeedKind.BOX,
            name,
            feed_wire.Box(name, "branch-1", key.public_bytes, revoked, {Domain.of(transform).key_id: to_city}),
        )

    @staticmethod
    def camera(name: str, box: str, role: wire.CameraRole, **changes: Any) -> wire.Camera:
        assessment = wire.Assessment(
            "pia-1", now_ms() + HOUR_MS, (role,), (wire.CameraMode.FEATURE,), ("vip", "potential")
        )
        camera = wire.Camera(name, "branch-1", box, role, wire.CameraMode.FEATURE, assessment)
        return msgspec.structs.replace(camera, **changes)

    @staticmethod
    def view(customer_id: str, *, rm: str, branch: str = "branch-1") -> feed_wire.CardView:
        products = [
            feed_wire.Candidate(
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
        return feed_wire.CardView(
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
            "statistics_interval_s": 0.1,
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

    @property
    def pid(self) -> int:
        """Process id of a city that is a process of its own."""
        return int(self._running.pid)

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
