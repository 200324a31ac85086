"""The product in one test: five real processes on loopback, the default clip, and what a tablet got to see."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from demo.cast import load_cast

YINGBIN = Path(sysconfig.get_path("scripts")) / "yingbin"


def _processes_in(folder: Path) -> list[str]:
    """Return the command lines of all processes that work in `folder` or were given a path in it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if str(folder) in command or (process / "cwd").readlink() == folder:
                found.append(command)
        except OSError:  # it ended meanwhile, or is not ours
            continue
    return found


@pytest.mark.timeout(300)
def test_customers_arrive_and_strangers_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [str(YINGBIN), "demo", "--once", "--json", "--keep", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout.splitlines()[-1])
    alerts = report["alerts"]

    here = {actor.person for actor in load_cast().actor if actor.home == "here"}
    elsewhere = {actor.person for actor in load_cast().actor if actor.home == "elsewhere"}
    assert sorted(alert["person"] for alert in alerts) == sorted(here | elsewhere)
    assert {alert["person"] for alert in alerts if alert["tier"] == "city"} == here
    assert {alert["person"] for alert in alerts if alert["tier"] == "province"} == elsewhere
    for alert in alerts:
        assert len(alert["offers"]) == 3
        assert all(offer["reason"] for offer in alert["offers"])
        assert alert["seen_at"] < alert["alerted_at"]

    assert report["non_matches"] >= 1
    assert report["scene_photos_sent"] == len(alerts)
    assert 0 < report["bytes_per_event"] <= 1000
    assert report["time_to_card_p50_ms"] >= 0
    assert "/pad/#token=" in run.stderr
    assert _processes_in(folder) == []
