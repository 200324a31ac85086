"""Processes: ready lines, deaths that are noticed, and nothing left running, even after kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from proc import may_dump_core

from demo.house import House, TierFailed
from demo.setup import write_toml


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"


def _province(folder: Path, port: int) -> list[str]:
    settings = {
        "port": port,
        "database_url": f"sqlite:///{folder / 'p.db'}",
        "templates_database_url": f"sqlite:///{folder / 't.db'}",
        "keystore_file": str(folder / "keys"),
        "keystore_passphrase": "only for this test",
    }
    return ["province", "serve", "--config", str(write_toml(folder / f"{port}.toml", settings))]


def test_a_server_is_ready_and_ends_with_the_house(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        server = house.serve("province", _province(tmp_path, 0))
        assert server.url().startswith("http://127.0.0.1:")
        house.check()
        pid = server.tier.pid
        assert _alive(pid)
        assert not may_dump_core(pid)
    assert not _alive(pid)


def test_a_dead_tier_is_noticed(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        tier = house.start("keys", ["keys", "device", str(tmp_path / "k")])
        assert tier.wait(30)
        with pytest.raises(TierFailed, match="keys died with code 0"):
            house.check()
        house.may_end(tier)
        house.check()


def test_run_reports_what_the_command_said(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        assert len(house.run("keys", ["keys", "device", str(tmp_path / "k")])) == 44
        with pytest.raises(TierFailed, match="ended with code"):
            house.run("keys", ["keys", "nonsense"])


def test_nothing_survives_a_killed_demo(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from demo.house import House\n"
        "house = House(Path(sys.argv[1])); server = house.serve('province', sys.argv[2:])\n"
        "server.url(); print(server.tier.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), *_province(tmp_path, 0)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert _alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while _alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
