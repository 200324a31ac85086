"""The outbox over a crash: sealed on tmpfs, or not at all."""

import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge import clock, outbox_store
from edge.outbox import MAX_AGE_S, key_of
from edge.outbox_store import KeptOutbox, OutboxStore, file_system_of
from yingbin.errors import BadConfiguration
from yingbin.galleries.protect import encode_probe, normalise
from yingbin.trust.devices import DeviceKey
from yingbin.trust.seal import Sealer
from yingbin.wire import FaceEvent, FacePicture

VECTOR = encode_probe(normalise(np.random.default_rng(4711).standard_normal(128).astype(np.float32)))


def look(track: int, seq: int = 0, seen_at_ms: int = 1000) -> FaceEvent:
    return FaceEvent("cam-1", "pia-1", track, seq, 0, seen_at_ms, 60, 0.5, 1, VECTOR)


class Boots:
    """One box, started again and again; what an earlier boot left open was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = DeviceKey.generate()
        self.number = 0
        self.key_id = "k-1"
        self.running: KeptOutbox | None = None

    def start(self, now_s: float = 0.0, capacity: int = 100) -> KeptOutbox:
        self.kill()
        self.number += 1
        store = OutboxStore(self.folder, Sealer(self.key.derive("outbox")), "box-1", f"boot{self.number}", self.key_id)
        box = KeptOutbox(capacity, store)
        box.open(now_s)
        self.running = box
        return box

    def kill(self) -> None:
        """Drop the lock as the kernel does; nothing else."""
        if self.running is not None:
            outbox_store.os.close(self.running._store._lock)
            self.running = None


@pytest.fixture
def boots(outbox_folder: Path) -> Boots:
    return Boots(outbox_folder)


def waiting(box: KeptOutbox, now_s: float = 0.0) -> list[tuple[str, int, int]]:
    return [key_of(one) for one in box.take_unsent(now_s)[0]]


def test_what_waits_is_there_again_under_its_old_name_and_what_was_answered_is_not(boots: Boots) -> None:
    box = boots.start()
    for track in range(4):
        box.add(look(track), float(track))
    box.settle(("", 1, 0))
    box = boots.start(10.0)
    assert waiting(box) == [("boot1", 0, 0), ("boot1", 2, 0), ("boot1", 3, 0)]
    box.add(look(0), 11.0)
    box.settle(("boot1", 0, 0))
    box = boots.start(12.0)
    assert waiting(box) == [("boot1", 2, 0), ("boot1", 3, 0), ("boot2", 0, 0)]


def test_C2_what_is_too_old_is_deleted_unread_by_a_restart_and_by_time(boots: Boots) -> None:
    box = boots.start()
    box.add(look(0), 0.0)
    box.add(look(1), 300.0)
    box = boots.start(MAX_AGE_S + 1)
    assert waiting(box, MAX_AGE_S + 1) == [("boot1", 1, 0)]
    assert len(list(boots.folder.iterdir())) == 1
    box.expire(MAX_AGE_S + 301)
    assert list(boots.folder.iterdir()) == []


def test_C2_no_vector_is_readable_on_the_tmpfs_and_no_picture_is_put_there(boots: Boots) -> None:
    box = boots.start()
    box.add(look(0), 0.0)
    picture = FacePicture("cam-1", "pia-1", 1, 0, 0, 1000, 60, 0.5, 1, b"\xff\xd8 a face", b"")
    box.add(picture, 0.0)
    (file,) = boots.folder.iterdir()
    raw = file.read_bytes()
    assert not any(VECTOR[start : start + 6] in raw for start in range(len(VECTOR) - 5))
    assert boots.folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    assert boots.start().take_unsent(0.0)[0] == [msgspec.structs.replace(look(0), boot_id="boot1")]


def test_a_full_box_forgets_the_file_too(boots: Boots) -> None:
    box = boots.start(capacity=2)
    for track in range(5):
        box.add(look(track), 0.0)
    assert waiting(boots.start()) == [("boot1", 3, 0), ("boot1", 4, 0)]


def test_files_that_are_torn_moved_or_sealed_by_another_box_are_dropped(boots: Boots) -> None:
    box = boots.start()
    for track in range(3):
        box.add(look(track), 0.0)
    torn, moved, _ = sorted(boots.folder.iterdir())
    torn.write_bytes(torn.read_bytes()[:40])
    moved.rename(moved.with_name("boot1-77-0.look"))
    assert waiting(boots.start()) == [("boot1", 2, 0)]
    boots.key = DeviceKey.generate()
    assert waiting(boots.start()) == []
    assert list(boots.folder.iterdir()) == []


def test_C8_what_waits_over_a_renewal_says_in_which_domain_it_is(boots: Boots) -> None:
    boots.start().add(look(0), 0.0)
    boots.key_id = "k-2"
    box = boots.start()
    box.add(look(1), 0.0)
    older, newer = box.take_unsent(0.0)[0]
    assert (older.key_id, newer.key_id) == ("k-1", "")
    older, newer = boots.start().take_unsent(0.0)[0]  # and over one more crash
    assert (older.key_id, newer.key_id) == ("k-1", "")


def test_the_moment_of_a_look_survives_a_jump_of_the_wall_clock_between_two_boots(
    boots: Boots, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots.start().add(look(0, seen_at_ms=clock.box_now_ms() - 5000), 0.0)
    monkeypatch.setattr(clock, "_ANCHOR_MS", clock.anchor_ms() + 3_600_000)  # as a process started after the jump
    (restored,) = boots.start().take_unsent(0.0)[0]
    assert clock.box_now_ms() - restored.seen_at_ms == pytest.approx(5000, abs=2000)


def test_a_graceful_end_takes_an_empty_folder_away_and_leaves_what_waits(boots: Boots) -> None:
    box = boots.start()
    box.add(look(0), 0.0)
    boots.running = None
    box.close()
    box = boots.start()
    box.settle(("boot1", 0, 0))
    boots.running = None
    box.close()
    assert not boots.folder.exists()


def test_a_full_tmpfs_costs_only_what_a_crash_would(boots: Boots, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boots.start()

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(outbox_store.os, "open", full)
        box.add(look(0), 0.0)
    assert waiting(box) == [("", 0, 0)]
    box.settle(("", 0, 0))
    assert waiting(boots.start()) == []


def test_C2_a_folder_on_a_disk_is_refused(outbox_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file_system_of(outbox_folder.parent.stat().st_dev) == "tmpfs"
    assert file_system_of(Path("/proc").stat().st_dev) == "proc"
    for kind in ("ext4", "overlay", ""):
        monkeypatch.setattr(outbox_store, "file_system_of", lambda _, kind=kind: kind)
        with pytest.raises(BadConfiguration, match="on a disk"):
            Boots(outbox_folder).start()


def test_a_folder_others_can_open_is_refused(outbox_folder: Path) -> None:
    outbox_folder.mkdir(mode=0o755)
    with pytest.raises(BadConfiguration, match="chmod 700"):
        Boots(outbox_folder).start()


def test_a_link_to_elsewhere_is_refused(outbox_folder: Path, tmp_path: Path) -> None:
    outbox_folder.symlink_to(tmp_path)
    with pytest.raises(BadConfiguration, match="cannot be used"):
        Boots(outbox_folder).start()


def test_two_processes_of_one_box_cannot_share_it(boots: Boots) -> None:
    boots.start(time.monotonic())
    with pytest.raises(BadConfiguration, match="in use by another"):
        Boots(boots.folder).start(time.monotonic())


def test_the_seals_key_is_the_boxs_own_and_for_this_purpose() -> None:
    key = DeviceKey.generate()
    assert key.derive("outbox") == key.derive("outbox")
    assert len({key.derive("outbox"), key.derive("gallery"), DeviceKey.generate().derive("outbox")}) == 3
    assert len(key.derive("outbox")) == 32
