"""A job that stops on its way goes on where it was; an old list brings nothing back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from bulk_lists import csv_file, enrol, finished, photos_of, report, row, send, zip_file
from bulk_server import settings_of
from province_harness import StandInReader, World

from province_server.app import Stores, build
from yingbin.faces.enrolment import Acquired
from yingbin.trust.staff import Role

ROWS = 96


def test_C5_an_old_list_does_not_bring_back_what_was_withdrawn(world: World) -> None:
    rows = [row("c-1", world.branch_a), row("c-2", world.branch_a)]
    assert enrol(world, rows)["counts"] == {"enrolled": 2}
    assert world.withdraw("c-1", "vip_service").status_code in {200, 204}
    assert world.call("DELETE", "customers/c-2").status_code in {200, 204}
    again = enrol(world, rows[:1])
    assert [line["code"] for line in report(world, again["job_id"])] == ["consent_withdrawn"]
    assert world.found("c-1") is None
    new_paper = enrol(world, [{**rows[0], "evidence_vip_service": "paper 18"}])
    assert new_paper["counts"] == {"enrolled": 1}
    for job in world.call("GET", "bulk/jobs").json()["items"]:  # nothing of an erased customer stays in the lists
        rows_left = world.call("GET", f"bulk/jobs/{job['job_id']}/rows").json()["items"]
        assert "c-2" not in {one["customer_id"] for one in rows_left}


def test_one_job_at_a_time_and_a_cancelled_one_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"c-{n}", world.branch_a) for n in range(ROWS)]
    go_on, read = threading.Event(), StandInReader.read

    def held_up(self: StandInReader, content: bytes) -> Acquired:
        if content == b"c-40":
            go_on.wait(30)
        return read(self, content)

    monkeypatch.setattr(StandInReader, "read", held_up)
    job_id = send(world, rows, photos_of(rows)).json()["job_id"]
    assert send(world, rows, photos_of(rows)).json()["type"] == "urn:yingbin:job_running"
    while world.call("GET", f"bulk/jobs/{job_id}").json()["done"] < 32:
        time.sleep(0.02)
    assert world.call("POST", f"bulk/jobs/{job_id}/cancel").status_code == 204
    go_on.set()
    stopped = finished(world, job_id)
    assert stopped["state"] == "cancelled"
    assert stopped["done"] < ROWS
    assert send(world, rows, photos_of(rows)).json()["type"] == "urn:yingbin:job_unfinished"
    job = enrol(world, rows, resume=True)
    assert (job["job_id"], job["state"], job["counts"]) == (job_id, "done", {"enrolled": ROWS})
    assert [int(line["row"]) for line in report(world, job_id)] == list(range(1, ROWS + 1))


@contextmanager
def province(folder: Path, seconds_a_photo: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, str(Path(__file__).with_name("bulk_server.py")), str(folder), str(seconds_a_photo)]
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        ready = msgspec.json.decode(process.stdout.readline(), type=dict[str, object])
        try:
            yield process, str(ready["url"])
        finally:
            process.kill()


def test_C1_kill_9_half_enrols_nobody_and_the_list_goes_on(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    founding = build(settings, Stores.open(settings), StandInReader())
    keys = World(founding, "", tmp_path)
    token = keys.token(Role.GALLERY_ADMIN)
    headers = {"Authorization": f"Bearer {token}"}
    founding.stores.close()
    with (
        province(tmp_path, 0.01) as (process, url),
        httpx.Client(base_url=f"{url}/v1/", headers=headers, timeout=30) as http,
    ):
        city = http.post("cities", json={"name": "a", "public_key_base64": "A" * 43 + "="}).json()["city_id"]
        body = {"city_id": city, "name_zh": "支行", "name_en": "Branch"}
        branch = http.post("branches", json=body).json()["branch_id"]
        rows = [row(f"c-{n:02}", branch) for n in range(ROWS)]
        files = {"list": csv_file(rows), "photos": zip_file(photos_of(rows))}
        job_id = http.post("bulk/jobs", files=files).json()["job_id"]
        while not http.get(f"bulk/jobs/{job_id}").json()["done"]:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not [
        path
        for path in tmp_path.iterdir()
        if path.suffix not in {".db", ".db-wal", ".db-shm", ".galleries"} and "keys" not in path.name
    ]
    with province(tmp_path, 0) as (_, url), httpx.Client(base_url=f"{url}/v1/", headers=headers, timeout=30) as http:
        killed = http.get(f"bulk/jobs/{job_id}").json()
        assert killed["state"] == "interrupted"
        assert 0 < killed["done"] < ROWS
        present = http.get("customers", params={"limit": 200}).json()["items"]
        assert len(present) == killed["done"]  # each of them whole:
        for one in present:
            customer = http.get(f"customers/{one['customer_id']}").json()
            assert (customer["templates"], customer["consents"]) == (1, ["central_storage", "vip_service"])
        assert http.post("bulk/jobs", params={"resume": True}, files=files).json()["job_id"] == job_id
        while (job := http.get(f"bulk/jobs/{job_id}").json())["state"] == "running":
            time.sleep(0.05)
        assert (job["state"], job["counts"]) == ("done", {"enrolled": ROWS})
