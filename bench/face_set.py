"""Photos of known people: the manifest and pairs of `yingbin eval faces`, and the vector of each photo."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine, Vector
from yingbin.faces.enrolment import EnrolmentRefused, NotAnImage, acquire, decode_image

_BLOCK: Final = 100_000
"""Pairs compared at once: 100 MB at 128 numbers a vector."""


class ManifestUnusable(InvalidInput):
    """The manifest or the list of pairs is missing, not CSV with the agreed columns, or a row makes no sense."""

    code = "manifest_unusable"


class PhotoUnreadable(InvalidInput):
    """A photo that the manifest names is not there or cannot be decoded: the data set is incomplete."""

    code = "photo_unreadable"


class TooFewPeople(InvalidInput):
    """The photos do not hold both people to tell apart and photos of one person to compare."""

    code = "too_few_people"


@dataclass(frozen=True, slots=True)
class Photo:
    """A row of the manifest; `group` is its column `set`, empty when there is none."""

    path: str
    person_id: str
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Photos with their people as numbers, int64 (n,), and vectors, f32 (n, d); `acquired`, bool (n,): is there one."""

    photos: Sequence[Photo]
    people: NDArray[np.int64]
    vectors: Vector
    acquired: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Comparisons: numbers of two photos each, int64 (n,), and whether they show one person, bool (n,)."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    same: NDArray[np.bool_]


def read_manifest(path: Path) -> list[Photo]:
    """Read the CSV: columns path, person_id and, if it likes, set. Raises `ManifestUnusable`, `TooFewPeople`."""
    photos: list[Photo] = []
    seen: set[str] = set()
    for line, row in _rows(path, "--manifest", ("path", "person_id")):
        photo = Photo(row["path"], row["person_id"], row.get("set", ""))
        if not photo.path or not photo.person_id:
            raise ManifestUnusable(f"--manifest {path}, line {line}: `path` and `person_id` must not be blank")
        if photo.path in seen:
            raise ManifestUnusable(f"--manifest {path}, line {line}: {photo.path} is listed twice")
        seen.add(photo.path)
        photos.append(photo)
    people = {photo.person_id for photo in photos}
    if len(people) < 2 or len(people) == len(photos):
        raise TooFewPeople(
            f"--manifest {path}: {len(photos)} photos of {len(people)} people; needed are at least two people, and two "
            "photos of one of them"
        )
    return photos


def read_pairs(path: Path, photos: Sequence[Photo]) -> Pairs:
    """Read the CSV: columns a, b (paths of the manifest) and same (1 or 0). Raises `ManifestUnusable`."""
    number = {photo.path: index for index, photo in enumerate(photos)}
    found: list[tuple[int, int, bool]] = []
    for line, row in _rows(path, "--pairs", ("a", "b", "same")):
        where = f"--pairs {path}, line {line}"
        unknown = next((row[side] for side in ("a", "b") if row[side] not in number), None)
        if unknown is not None:
            raise ManifestUnusable(f"{where}: the photo {unknown!r} is not in the manifest")
        if row["same"] not in ("0", "1"):
            raise ManifestUnusable(f"{where}: `same` is {row['same']!r}; it must be 1 or 0")
        one, other, same = number[row["a"]], number[row["b"]], row["same"] == "1"
        if same != (photos[one].person_id == photos[other].person_id):
            raise ManifestUnusable(f"{where}: `same` is {row['same']}, but the manifest's `person_id` says otherwise")
        found.append((one, other, same))
    if len({same for *_, same in found}) < 2:
        raise ManifestUnusable(f"--pairs {path}: pairs of one person and pairs of two are both needed")
    one_, other_, same_ = (np.array(column) for column in zip(*found, strict=True))
    return Pairs(one_, other_, same_)


def all_pairs(people: NDArray[np.int64]) -> Pairs:
    """Return every comparison of two photos."""
    one, other = np.triu_indices(len(people), 1)
    return Pairs(one, other, people[one] == people[other])


def cosines_of(faces: FaceSet, compared: Pairs) -> NDArray[np.float64]:
    """Return the score of each pair, f64 (n,); -infinity where a photo has no vector."""
    cosines = np.empty(len(compared.same))
    for start in range(0, len(cosines), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = faces.vectors[compared.one[block]], faces.vectors[compared.other[block]]
        cosines[block] = np.einsum("ij,ij->i", one, other)
    cosines[~(faces.acquired[compared.one] & faces.acquired[compared.other])] = -np.inf
    return cosines


def acquire_all(
    engine: FaceEngine, photos: Sequence[Photo], folder: Path, step: Callable[[], object] = lambda: None
) -> FaceSet:
    """Make a vector of each photo as enrolment does; one that enrolment refuses is a failure to acquire.

    Paths are relative to `folder`; `step` is called after each photo. Raises `PhotoUnreadable`.
    """
    vectors = np.zeros((len(photos), engine.pack.dimension), np.float32)
    acquired = np.zeros(len(photos), np.bool_)
    for index, photo in enumerate(photos):
        try:
            image = decode_image((folder / photo.path).read_bytes())
        except (OSError, NotAnImage) as error:
            raise PhotoUnreadable(f"{folder / photo.path} cannot be read: {error}") from error
        try:
            vectors[index] = acquire(engine, image).vector
            acquired[index] = True
        except EnrolmentRefused:
            pass
        step()
    return FaceSet(photos, person_numbers(photos), vectors, acquired)


def person_numbers(photos: Sequence[Photo]) -> NDArray[np.int64]:
    """Return each photo's person as a number from 0, in the alphabetical order of ids, int64 (n,)."""
    return np.unique([photo.person_id for photo in photos], return_inverse=True)[1].astype(np.int64)


def _rows(path: Path, option: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return (line, cells by column, stripped) of each row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise ManifestUnusable(f"{option} {path}: the column {missing[0]!r} is missing")
            rows = [
                (reader.line_num, {name: (cell or "").strip() for name, cell in row.items() if isinstance(name, str)})
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestUnusable(f"{option} {path} cannot be read: {error}") from error
    if not rows:
        raise ManifestUnusable(f"{option} {path}: there is no row")
    return rows
