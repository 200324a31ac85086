"""Who is enrolled, with which photos, and in which city: from a folder of people, or the cast of the default clip."""

from dataclasses import dataclass
from pathlib import Path

import cv2

from demo.cast import Cast, portrait
from demo.people import InventedCustomer, invented_customers
from yingbin.errors import InvalidInput

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


class NobodyToEnrol(InvalidInput):
    """The enrolment folder is missing or holds no photos."""

    code = "nobody_to_enrol"


@dataclass(frozen=True, slots=True)
class Photo:
    """An enrolment photo: an encoded file, and the name to report it by."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody to enrol; `elsewhere` means only in the other city. Name and bank data are invented."""

    person: str
    elsewhere: bool
    customer: InventedCustomer
    photos: tuple[Photo, ...]


def guests_of_cast(cast: Cast) -> list[Guest]:
    """Return the enrolled people of the default clip."""
    book = {customer.person: customer for customer in invented_customers()}
    return [
        Guest(actor.person, actor.home == "elsewhere", book[actor.person], (_photo_of(actor.person, portrait(actor)),))
        for actor in cast.actor
        if actor.home != "nowhere"
    ]


def guests_of_folder(folder: Path) -> list[Guest]:
    """Return the people of a folder: one sub-folder each, or photos `name_1.png name_2.png` directly in it.

    In alphabetical order every second person is enrolled in the other city. Raises `NobodyToEnrol`.
    """
    if not folder.is_dir():
        raise NobodyToEnrol(f"--enrol {folder}: there is no such folder")
    people = _photos_by_person(folder)
    if not people:
        raise NobodyToEnrol(
            f"--enrol {folder}: no photos found; put one sub-folder per person there, with .jpg or .png files"
        )
    book = invented_customers()
    return [
        Guest(
            person,
            index % 2 == 1,
            book[index % len(book)],
            tuple(Photo(str(p.relative_to(folder)), p.read_bytes()) for p in paths),
        )
        for index, (person, paths) in enumerate(sorted(people.items()))
    ]


def _photos_by_person(folder: Path) -> dict[str, list[Path]]:
    people: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            photos = sorted(photo for photo in path.iterdir() if photo.is_file() and photo.suffix.lower() in _SUFFIXES)
            if photos:
                people.setdefault(path.name, []).extend(photos)
        elif path.suffix.lower() in _SUFFIXES:
            stem, _, number = path.stem.rpartition("_")
            people.setdefault(stem if stem and number.isdigit() else path.stem, []).append(path)
    return people


def _photo_of(person: str, image: "cv2.typing.MatLike") -> Photo:
    return Photo(f"{person}.png", cv2.imencode(".png", image)[1].tobytes())
