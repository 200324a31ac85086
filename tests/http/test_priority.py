"""The thread that answers may interrupt others, and is otherwise as it was; what it starts is not so hurried."""

import ctypes
import os
import struct
import threading

from yingbin.http.priority import answer_promptly

_SLICE_NS = 100_000
_GET = {"x86_64": 315, "aarch64": 275}
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def attributes() -> tuple[int, int, int]:
    """Return policy, niceness and slice (ns) of this thread, by sched_getattr(2); a slice of 0 before Linux 6.12."""
    buffer = ctypes.create_string_buffer(_ATTRIBUTES.size)
    assert ctypes.CDLL(None).syscall(_GET[os.uname().machine], 0, buffer, _ATTRIBUTES.size, 0) == 0
    _, policy, _, nice, _, slice_ns, _, _ = _ATTRIBUTES.unpack(buffer)
    return policy, nice, slice_ns


def test_only_the_slices_of_this_thread_change() -> None:
    seen: list[tuple[int, int, int]] = []

    def answering() -> None:
        seen.append(attributes())
        answer_promptly()
        seen.append(attributes())
        child = threading.Thread(target=lambda: seen.append(attributes()))
        child.start()
        child.join()

    thread = threading.Thread(target=answering)
    thread.start()
    thread.join()
    before, after, child = seen
    assert after[:2] == before[:2]
    assert after[2] in {_SLICE_NS, 0}
    assert child == before
