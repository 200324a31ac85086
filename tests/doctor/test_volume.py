"""What a folder lies on, from made-up /proc and /sys trees."""

import os
from pathlib import Path

import pytest

from yingbin.doctor.volume import Volume, is_encrypted_device, volume_of


class Machine:
    """A folder on one block device of a made-up machine."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "data"
        self.proc, self.sys = root / "proc", root / "sys"
        (self.proc / "self").mkdir(parents=True)
        self.folder.mkdir()
        device = self.folder.stat().st_dev
        self.number = f"{os.major(device)}:{os.minor(device)}"
        self.mounted("ext4", "/dev/nobody-has-this")
        (self.sys / "dev" / "block").mkdir(parents=True)
        (self.sys / "class" / "block").mkdir(parents=True)

    def mounted(self, kind: str, source: str) -> None:
        lines = (
            "20 1 255:255 / /other rw - ext4 /dev/other rw\n"
            f"21 1 {self.number} / /data rw,relatime shared:1 - {kind} {source} rw\n"
        )
        (self.proc / "self" / "mountinfo").write_text(lines)

    def device(self, name: str, *, uuid: str = "", below: tuple[str, ...] = (), holds_folder: bool = False) -> Path:
        place = self.sys / "devices" / name
        (place / "slaves").mkdir(parents=True)
        for one in below:
            (place / "slaves" / one).symlink_to(self.sys / "devices" / one)
        if uuid:
            (place / "dm").mkdir()
            (place / "dm" / "uuid").write_text(uuid + "\n")
        (self.sys / "class" / "block" / name).symlink_to(place)
        if holds_folder:
            (self.sys / "dev" / "block" / self.number).symlink_to(place)
        return place

    def volume(self) -> Volume:
        return volume_of(self.folder / "not" / "yet" / "there", proc=self.proc, sys=self.sys)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_disk_is_plain(machine: Machine) -> None:
    machine.device("sda", holds_folder=True)
    assert machine.volume() is Volume.PLAIN


def test_luks_is_encrypted(machine: Machine) -> None:
    machine.device("dm-0", uuid="CRYPT-LUKS2-0123-luks-data", holds_folder=True)
    assert machine.volume() is Volume.ENCRYPTED


def test_lvm_on_luks_is_encrypted(machine: Machine) -> None:
    machine.device("dm-0", uuid="CRYPT-LUKS2-0123-luks-data")
    machine.device("dm-1", uuid="LVM-abcdef", below=("dm-0",), holds_folder=True)
    assert machine.volume() is Volume.ENCRYPTED


def test_a_raid_with_one_plain_disk_is_plain(machine: Machine) -> None:
    machine.device("dm-0", uuid="CRYPT-LUKS2-0123-luks-data")
    machine.device("sdb")
    machine.device("md0", below=("dm-0", "sdb"), holds_folder=True)
    assert machine.volume() is Volume.PLAIN


def test_a_partition_of_an_encrypted_disk_is_encrypted(machine: Machine) -> None:
    disk = machine.device("dm-0", uuid="CRYPT-PLAIN-data")
    (disk / "dm-0p1").mkdir()
    (disk / "dm-0p1" / "partition").write_text("1\n")
    (machine.sys / "dev" / "block" / machine.number).symlink_to(disk / "dm-0p1")
    assert machine.volume() is Volume.ENCRYPTED


def test_btrfs_has_a_number_of_its_own_and_is_known_by_its_source(machine: Machine) -> None:
    machine.device("dm-7", uuid="CRYPT-LUKS2-0123-luks-data")
    machine.mounted("btrfs", "/dev/dm-7")
    assert machine.volume() is Volume.ENCRYPTED


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tmpfs", Volume.MEMORY),
        ("ecryptfs", Volume.ENCRYPTED),
        ("fuse.gocryptfs", Volume.ENCRYPTED),
        ("nfs4", Volume.PLAIN),
        ("zfs", Volume.PLAIN),
        ("overlay", Volume.PLAIN),
    ],
)
def test_by_file_system(machine: Machine, kind: str, expected: Volume) -> None:
    machine.mounted(kind, "something")
    assert machine.volume() is expected


def test_swap_devices(machine: Machine) -> None:
    machine.device("dm-3", uuid="CRYPT-PLAIN-swap")
    machine.device("sda2")
    assert is_encrypted_device(Path("/dev/dm-3"), sys=machine.sys)
    assert is_encrypted_device(Path("/dev/zram0"), sys=machine.sys)
    assert not is_encrypted_device(Path("/dev/sda2"), sys=machine.sys)
