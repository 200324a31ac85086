"""One life of a process that holds a sealed gallery: `python -m bench.restart_run ROLE FOLDER DIM NUMBERS...`.

build N            fill the folder with N people and seal it
start N            open it, look for person N - 1, print whether he was found and how long opening took
write FIRST WRITES change people from FIRST on, one call each; print each change once it was acknowledged
check              read changes from stdin, open the folder, print how many of them are not there
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from bench.population import Matrix, Population, ids_of, number_of
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.sealed import SealedGallery
from yingbin.trust.keystore import FileKeyStore

_SEAL_EVERY: Final = 1_500
_REMOVE_EVERY: Final = 4
_PACK: Final = "synthetic"


def _open(folder: Path, dimension: int) -> SealedGallery:
    keys = FileKeyStore(folder / "keys", "bench")
    index = CodeIndex(dimension)
    return SealedGallery(folder / "gallery", index, keys, name="bench", pack_id=_PACK, dimension=dimension)


def build(folder: Path, population: Population, people: int) -> None:
    """Fill the folder and seal it."""
    gallery = _open(folder, population.dimension)
    for block in population.blocks(people):
        gallery.add_many(ids_of(block, 1), ids_of(block, 0), population.faces(block))
    gallery.seal()
    gallery.close()


def start(folder: Path, dimension: int, person: int, probe: Matrix) -> dict[str, float]:
    """Open the folder and look for somebody."""
    began_s = time.perf_counter()
    gallery = _open(folder, dimension)
    hit = gallery.search(probe[None, :])[0]
    return {
        "found": hit is not None and number_of(hit.customer_id) == person,
        "open_and_search_s": round(time.perf_counter() - began_s, 3),
    }


def changes(first: int, writes: int) -> Iterator[tuple[int, bool]]:
    """Yield people and whether they are added (or removed again): every fourth change removes an earlier newcomer."""
    added: list[int] = []
    for write in range(writes):
        if write % _REMOVE_EVERY == _REMOVE_EVERY - 1:
            yield added.pop(len(added) // 2), False
        else:
            added.append(first + write)
            yield added[-1], True


def write(folder: Path, population: Population, first: int, writes: int) -> None:
    """Make changes until the end comes; every now and then seal the gallery meanwhile, under a new key each time."""
    gallery = _open(folder, population.dimension)
    sealing = threading.Thread()
    for done, (person, adding) in enumerate(changes(first, writes), 1):
        at = np.array([person])
        if adding:
            gallery.add(ids_of(at, 1)[0], ids_of(at, 0)[0], _face(population, person))
        else:
            gallery.remove_customer(ids_of(at, 0)[0])
        sys.stdout.write(f"{person if adding else -person}\n")
        sys.stdout.flush()
        if done % _SEAL_EVERY == 0 and not sealing.is_alive():
            sealing = threading.Thread(target=gallery.seal, kwargs={"new_epoch": True})
            sealing.start()


def check(folder: Path, population: Population, acknowledged: list[int]) -> dict[str, float]:
    """Compare the folder with what was acknowledged: positive numbers added, negative removed."""
    gallery = _open(folder, population.dimension)
    present = {abs(number): number > 0 for number in acknowledged}
    lost = 0
    for person, expected in present.items():
        vector = gallery.vector_of(ids_of(np.array([person]), 0)[0])
        right = vector is not None and float(vector @ _face(population, person)) > 0.999
        lost += right != expected
    return {"lost": lost, "checked": len(present)}


def _face(population: Population, person: int) -> Matrix:
    face: Matrix = population.faces(np.array([person]))[0]
    return face


def main() -> None:
    """Play the role that the command line names."""
    role, folder, dimension = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    numbers = [int(number) for number in sys.argv[4:]]
    match role:
        case "build":
            build(folder, Population(dimension), *numbers)
        case "start":
            found = start(folder, dimension, numbers[0] - 1, np.load(folder / "probe.npy"))
            sys.stdout.write(json.dumps(found) + "\n")
        case "write":
            write(folder, Population(dimension), *numbers)
        case "check":
            found = check(folder, Population(dimension), [int(line) for line in sys.stdin])
            sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
