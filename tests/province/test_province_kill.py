"""The province as a process, killed with -9 in the middle of its renewal: the next one finishes it, nobody is lost."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import pytest
from ports import free_port
from province_harness import DIMENSION, City, StandInReader, World, record, running
from sqlalchemy import select

from province_server.app import Stores
from province_server.keys import PROVINCE, Keys
from province_server.settings import ProvinceSettings
from yingbin.galleries import protect
from yingbin.ids import new_id
from yingbin.storage.province import CustomerRow, TemplateLink
from yingbin.storage.templates import TemplateRow

PEOPLE = ("li", "wang", "zhao")
CROWD = 2_000
"""Four batches, so that there is a middle to be killed in."""
PROGRAM = """
import sys
from pathlib import Path
from province_harness import StandInReader
from province_server.app import Stores, build
from province_server.settings import ProvinceSettings
from yingbin import log
from yingbin.http.serve import bind, serve

log.configure("province")
settings = ProvinceSettings.load(Path(sys.argv[1]))
province = build(settings, Stores.open(settings), StandInReader())
serve(province.app, bind("127.0.0.1", settings.port), on_stop=province.notifier.close)
"""


class OnDisk:
    """What the process keeps, seen from outside, as the harness expects a province."""

    def __init__(self, settings: ProvinceSettings) -> None:
        self._settings = settings

    @cached_property
    def stores(self) -> Stores:
        return Stores.open(self._settings)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.stores.keystore, DIMENSION)

    def look_again(self) -> None:
        self.stores.close()
        del self.stores, self.keys


class Process:
    """A province server that can be killed and started again at the same address."""

    def __init__(self, settings: ProvinceSettings, folder: Path) -> None:
        self._config = folder / "province.toml"
        values = {name: value for name, value in settings.model_dump().items() if name in settings.model_fields_set}
        values["keystore_passphrase"] = settings.keystore_passphrase.get_secret_value()
        lines = (f"{name} = {json.dumps(value, default=str)}\n" for name, value in values.items())
        self._config.write_text("".join(lines))
        self.url = f"http://127.0.0.1:{settings.port}"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        paths = [str(Path(__file__).parent), *sys.path]
        self._running = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self._config)],
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip
        assert self._running.stdout is not None
        assert b"ready" in self._running.stdout.readline()

    def kill_9(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.communicate()


@pytest.fixture
def process(settings: ProvinceSettings, tmp_path: Path) -> Iterator[Process]:
    made = Process(settings.model_copy(update={"port": free_port()}), tmp_path)
    yield made
    made.kill_9()


def crowd(world: World) -> dict[str, protect.Vector]:
    """Put people straight into the stores; return template id -> raw vector."""
    keys, rng = world.province.keys, np.random.default_rng(7)
    domain = keys.domains(PROVINCE)[0]
    raw = [protect.normalise(one) for one in rng.standard_normal((CROWD, DIMENSION)).astype(np.float32)]
    content = json.dumps(record("someone", world.branch_a)).encode()
    customers, links, rows, found = [], [], [], {}
    for number, vector in enumerate(raw):
        key_sealed, vector_sealed = keys.seal_vector(protect.normalise(protect.apply(domain.transform, vector)))
        template_id, subject_id, customer_id = new_id(), secrets.token_hex(16), f"one-{number}"
        sealed = keys.seal_record(customer_id, content)
        customers.append(CustomerRow(
            customer_id=customer_id, home_branch_id=world.branch_a, record_sealed=sealed, created_at_ms=1
        ))  # fmt: skip
        links.append(TemplateLink(
            template_id=template_id, customer_id=customer_id, subject_id=subject_id, gallery="vip",
            key_sealed=key_sealed, state="linked",
        ))  # fmt: skip
        rows.append(TemplateRow(
            subject_id=subject_id, pack_id=StandInReader.pack_id, key_id=domain.key_id, vector_sealed=vector_sealed
        ))  # fmt: skip
        found[template_id] = vector
    with world.province.stores.identity.write() as session:
        session.add_all([*customers, *links])
    with world.province.stores.templates.write() as session:
        session.add_all(rows)
    return found


def moved(early: World, on_disk: OnDisk, url: str) -> World:
    """Return the same two cities, at a province that has moved."""
    world = World(on_disk, url, early.folder)
    for name in ("assessment", "branch_a", "branch_b", "bundle_a", "bundle_b", "camera_a", "camera_b"):
        setattr(world, name, getattr(early, name))
    world.a, world.b = (City(on_disk, world.http, one.city_id, one.key) for one in (early.a, early.b))
    return world


class Searches:
    """Searches everybody and a stranger again and again; a province that is not there answers nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.answers: list[tuple[str, str | None]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def more(self, answers: int) -> None:
        """Wait for so many more answers."""
        enough = len(self.answers) + answers
        deadline = time.monotonic() + 60
        while len(self.answers) < enough:
            assert time.monotonic() < deadline
            assert self._thread.is_alive()
            time.sleep(0.01)

    def _work(self) -> None:
        probes = {who: self._world.probe(who) for who in (*PEOPLE, "stranger")}
        while not self._over.is_set():
            for who, probe in probes.items():
                try:
                    reply = self._world.search(probe)
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                self.answers.append((who, self._world.named(reply)))


def progress(world: World) -> dict[str, Any]:
    return dict(world.call("GET", "renewals/province").json())


def key_ids(world: World) -> set[str]:
    with world.province.stores.templates.read() as session:
        return set(session.scalars(select(TemplateRow.key_id).distinct()))


def test_C8_a_province_killed_in_the_middle_of_a_renewal_finishes_it_and_loses_nobody(
    process: Process, settings: ProvinceSettings, tmp_path: Path
) -> None:
    with running(settings, tmp_path) as early:
        for who in PEOPLE:
            early.enrolled(who, early.branch_a)
    on_disk = OnDisk(settings)
    with moved(early, on_disk, process.url) as world:
        known = crowd(world)
        process.start()
        before = on_disk.keys.domains(PROVINCE)[0]
        with Searches(world) as searches:
            searches.more(len(PEOPLE))
            assert world.call("POST", "renewals/province").status_code == 202
            while (state := progress(world))["done"] == 0:
                assert state["running"], "over before it could be killed"
            process.kill_9()
            killed_with = key_ids(world)
            process.start()
            while progress(world)["running"]:
                time.sleep(0.05)
            searches.more(2 * (len(PEOPLE) + 1))
        assert len(killed_with) == 2, "killed before or after, not in the middle"
        assert [(who, seen) for who, seen in searches.answers if seen != (who if who in PEOPLE else None)] == []
        on_disk.look_again()
        (newest,) = on_disk.keys.domains(PROVINCE)
        assert newest.key_id != before.key_id
        assert key_ids(world) == {newest.key_id}
        with on_disk.stores.identity.read() as session:
            links = {link.subject_id: link for link in session.scalars(select(TemplateLink))}
            records = session.execute(select(CustomerRow.customer_id, CustomerRow.record_sealed)).all()
        with on_disk.stores.templates.read() as session:
            rows = list(session.scalars(select(TemplateRow)))
        assert {link.state for link in links.values()} == {"linked"}
        assert len(links) == len(rows) == len(records) == CROWD + len(PEOPLE)
        for row in rows:
            link = links[row.subject_id]
            vector = on_disk.keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed)
            if link.template_id in known:
                assert float(vector @ protect.apply(newest.transform, known[link.template_id])) > 1 - 1e-5
        for customer_id, sealed in records:
            on_disk.keys.open_record(customer_id, sealed)
        on_disk.stores.close()
