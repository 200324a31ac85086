"""What a server does first: no core file, no swap, nobody else's hand in its memory. Looked at from outside."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from yingbin.doctor import volume
from yingbin.trust import process

_PROTECTED = "from yingbin.trust.process import keep_in_memory; keep_in_memory();"
_CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


def core_dumps_allowed() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def crash(program: str, folder: Path) -> int:
    """Return how a process that could dump core ended, as waitpid(2) says it."""
    child = subprocess.Popen([sys.executable, "-c", program], cwd=folder, preexec_fn=core_dumps_allowed)  # noqa: PLW1509
    _, status = os.waitpid(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return status


def test_C8_a_crash_leaves_no_core(tmp_path: Path) -> None:
    status = crash(_PROTECTED + _CRASH, tmp_path)
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.iterdir())


def test_a_crash_would_leave_a_core_without(tmp_path: Path) -> None:
    piped = Path("/proc/sys/kernel/core_pattern").read_text().startswith("|")  # a handler gets it whatever the limit
    allowed = resource.getrlimit(resource.RLIMIT_CORE)[1] != 0
    assert os.WCOREDUMP(crash(_CRASH, tmp_path)) is (piped or allowed)


def test_C8_memory_is_locked_and_nobody_attaches(tmp_path: Path) -> None:
    dumpable = "import ctypes, sys; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True);"  # PR_GET_DUMPABLE
    program = _PROTECTED + dumpable + "sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"0\n"
        seen = Path(f"/proc/{child.pid}")
        limits = {line[:25].strip(): line[25:].split() for line in (seen / "limits").read_text().splitlines()}
        status = dict(line.split(":", 1) for line in (seen / "status").read_text().splitlines())
        child.communicate()
    assert limits["Max core file size"][:2] == ["0", "0"]
    locked_kb, used_kb = (int(status[name].split()[0]) for name in ("VmLck", "VmRSS"))
    assert locked_kb >= used_kb if process.may_lock_memory() else locked_kb == 0


@pytest.mark.parametrize(
    ("limit", "capabilities", "may"),
    [
        (resource.RLIM_INFINITY, "0", True),
        (8 << 20, "4000", True),  # CAP_IPC_LOCK
        (8 << 20, "ffffffffffffbfff", False),
        (0, "0", False),
    ],
)
def test_memory_is_locked_only_without_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, capabilities: str, may: bool
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\n")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    assert process.may_lock_memory(tmp_path) is may


def test_C8_the_log_says_when_memory_may_be_swapped() -> None:
    program = (
        "import os, resource; from yingbin.trust import process; process.plain_swap = lambda: ['/dev/sdz9'];"
        "process.log.info('everything the log needs is loaded'); resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0));"
        "os.getuid() or os.setuid(65534); process.keep_in_memory()"  # root could lock its memory all the same
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "memory_may_be_swapped" in run.stdout
    assert "/dev/sdz9" in run.stdout
    assert "core_dumps_not_off" not in run.stdout


def test_a_kernel_without_swap_swaps_nowhere(tmp_path: Path) -> None:
    assert volume.plain_swap(tmp_path) == []
