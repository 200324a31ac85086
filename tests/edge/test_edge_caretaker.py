"""A box that died and stays dead: what it left in its outbox is deleted all the same (C2)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.caretaker import Caretaker
from edge.outbox import MAX_AGE_S

BOX = """
import sys, time
from pathlib import Path
from edge.caretaker import Caretaker
caretaker = Caretaker(Path(sys.argv[1]), "boot1", after_s=float(sys.argv[2]))
caretaker.begin()
print(caretaker._shell.pid, flush=True)
time.sleep(60)
"""


def box(folder: Path, after_s: float) -> tuple["subprocess.Popen[str]", int]:
    """Start a process with a caretaker; return both, the caretaker by its number."""
    process = subprocess.Popen(
        [sys.executable, "-c", BOX, str(folder), str(after_s)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def wait_until_gone(shell: int) -> None:
    """Wait for a process that is nobody's child here to end."""
    deadline_s = time.monotonic() + 30
    while Path(f"/proc/{shell}").exists() and Path(f"/proc/{shell}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture
def folder(outbox_folder: Path) -> Path:
    outbox_folder.mkdir(mode=0o700)
    for name in ("boot1-1-0.look", "boot1-2-0.look", "boot2-1-0.look", "branch.gallery"):
        (outbox_folder / name).write_bytes(b"sealed")
    return outbox_folder


def test_C2_what_a_killed_box_left_is_deleted_and_nothing_else(folder: Path) -> None:
    process, shell = box(folder, 0.2)
    assert os.getsid(shell) == shell != os.getsid(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_gone(shell)
    assert sorted(path.name for path in folder.iterdir()) == ["boot2-1-0.look", "branch.gallery"]


def test_while_the_box_lives_nothing_is_deleted_however_long(folder: Path) -> None:
    process, shell = box(folder, 0.0)
    time.sleep(0.5)
    assert len(list(folder.iterdir())) == 4
    process.kill()
    process.wait()
    wait_until_gone(shell)
    assert len(list(folder.iterdir())) == 2


def test_after_a_graceful_end_with_nothing_left_nobody_stands_by(folder: Path) -> None:
    empty, full = Caretaker(folder, "boot3"), Caretaker(folder, "boot1", after_s=0.2)
    for one in (empty, full):
        one.begin()
    for one in (empty, full):
        one.end()
    assert empty._shell is not None
    assert full._shell is not None
    assert empty._shell.returncode == -signal.SIGKILL
    assert full._shell.wait(30) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["boot2-1-0.look", "branch.gallery"]


def test_C2_a_look_outlives_its_box_by_ten_minutes_at_most(folder: Path) -> None:
    caretaker = Caretaker(folder, "boot1")
    assert caretaker._after_s == MAX_AGE_S == 600
    Caretaker(folder, "boot9").end()  # one that never began
