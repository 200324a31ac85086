"""Keeps what a process holds in memory, vectors and keys, from a disk: no core file, no swap, nobody attaches to it."""

import ctypes
import resource
from pathlib import Path
from typing import Final

from yingbin.doctor.volume import plain_swap
from yingbin.log import get_logger

_PR_SET_DUMPABLE: Final = 4
_LOCK_CURRENT_AND_FUTURE: Final = 1 | 2
_LOCK_WHEN_TOUCHED: Final = 4
"""MCL_ONFAULT: locked page by page as it is used, so that reserved memory (stacks, pools) costs nothing."""
_CAP_IPC_LOCK: Final = 14

log = get_logger()


def keep_in_memory() -> None:
    """Turn off core dumps and swap for this process; call before it loads its first key.

    Where swap is in the clear and memory cannot be locked, the log says so, and what to do. Of the three, a program
    started later from here inherits only the limit on core files.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A handler such as systemd-coredump, named in core_pattern after a pipe, gets the core whatever the limit: core(5).
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        log.warning("core_dumps_not_off", errno=ctypes.get_errno(), advice="allow prctl(PR_SET_DUMPABLE)")
    if may_lock_memory() and not libc.mlockall(_LOCK_CURRENT_AND_FUTURE | _LOCK_WHEN_TOUCHED):
        return
    exposed = plain_swap()
    if exposed:
        log.warning(
            "memory_may_be_swapped",
            devices=exposed,
            advice="LimitMEMLOCK=infinity or MemorySwapMax=0 under systemd, `swapoff -a`, or encrypt the swap",
        )


def may_lock_memory(proc: Path = Path("/proc")) -> bool:
    """Return whether this process may lock all its memory.

    Under a limit the locking itself would work, and the first allocation beyond the limit would fail.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    status = (proc / "self" / "status").read_text("utf-8", "replace")
    capabilities = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(capabilities, 16) >> _CAP_IPC_LOCK & 1)
