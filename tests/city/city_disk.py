"""What the folder of a city holds, read by somebody who has its keys too: a thief, or a test."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from city_house import PASSPHRASE, House

from city_server.memory import Memory
from city_server.replica_folder import Position, ReplicaFolder
from yingbin.trust.keystore import FileKeyStore


def folder_of(house: House) -> Path:
    return house.data / "city.db.galleries"


def open_folder(house: House, folder: Path, keystore: Path) -> ReplicaFolder:
    pack = house.pack
    return ReplicaFolder(
        folder, FileKeyStore(keystore, PASSPHRASE), lambda key_id: Memory(pack.pack_id, pack.dimension, key_id),
        pack_id=pack.pack_id, dimension=pack.dimension,
    )  # fmt: skip


def on_disk(house: House) -> tuple[Memory, Position]:
    """Return the replica that a copy of the folder opens to, with the city's keys."""
    while True:
        with suppress(FileNotFoundError, shutil.Error), tempfile.TemporaryDirectory() as scratch:  # being written
            shutil.copy(house.folder / "keystore", scratch)
            shutil.copytree(folder_of(house), Path(scratch) / "galleries")
            folder = open_folder(house, Path(scratch) / "galleries", Path(scratch) / "keystore")
            folder.close()
            return folder.memory, folder.position
