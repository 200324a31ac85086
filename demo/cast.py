"""The people of the film: photos that the installed packages ship, cut out along hand-drawn outlines (`cast.toml`).

Enrolment photo and walk-in come from the same photograph. So the default clip shows that everything is connected; it
says nothing about how well faces are recognised. `yingbin eval` does that.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from demo.scenery import Colour, Image
from yingbin.errors import BadConfiguration

Home = Literal["here", "elsewhere", "nowhere"]
FACE_M = 0.238
"""Height of a detected face (chin to hair line); the faces on the set are a little larger than life."""
_FEATHER_PX = 2.2


class PhotoMissing(BadConfiguration):
    """A photo that an installed package should ship is not there."""

    code = "photo_missing"


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One face of `cast.toml`."""

    person: str
    photo: str
    home: Home
    face: tuple[int, int, int, int]
    outline: tuple[tuple[int, int], ...]
    portrait: tuple[int, int, int, int]
    height_m: float
    outfit: Literal["suit", "long_coat", "jacket"]
    cloth: Colour
    trim: Colour
    legs: Colour
    tilt_deg: float = 0.0


class Entrance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One walk from the door to the camera."""

    person: str
    at_s: float
    lane_m: float
    exit_m: float


class Cast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of `cast.toml`."""

    actor: tuple[Actor, ...]
    entrance: tuple[Entrance, ...]

    def named(self, person: str) -> Actor:
        """Return one actor. Raises KeyError."""
        return next(actor for actor in self.actor if actor.person == person)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A cut-out head, premultiplied: `colour` u8 (h, w, 3), `alpha` u8 (h, w), and sizes of the face in its pixels."""

    colour: Image
    alpha: NDArray[np.uint8]
    face_px: float
    centre: tuple[float, float]
    skin: Colour


def load_cast() -> Cast:
    """Read `cast.toml`."""
    return msgspec.convert(tomllib.loads(Path(__file__).with_name("cast.toml").read_text("utf-8")), Cast)


def photo(name: str) -> Image:
    """Return a bundled photo in BGR: `astronaut` of scikit-image, or a file of insightface. Raises `PhotoMissing`."""
    if name == "astronaut":
        from skimage import data

        astronaut = data.astronaut()  # type: ignore[no-untyped-call]
        return np.ascontiguousarray(astronaut[..., ::-1], np.uint8)
    image = cv2.imread(str(Path(str(files("insightface"))) / "data" / "images" / name))
    if image is None:
        raise PhotoMissing(f"the installed insightface does not ship data/images/{name}; install the pinned version")
    return image.astype(np.uint8)


def portrait(actor: Actor) -> Image:
    """Return the enrolment photo: the crop with exactly this face, at twice the size."""
    left, top, right, bottom = actor.portrait
    crop = _upright(actor)[0][top:bottom, left:right]
    return cv2.resize(crop, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def cut_out(actor: Actor) -> Head:
    """Cut the head out along a smooth curve through its outline, with a soft edge that fades out at the neck."""
    image, turn = _upright(actor)
    margin = 6
    outline = np.rint(np.array(actor.outline) @ turn[:, :2].T + turn[:, 2]).astype(np.int32)
    left, top = np.maximum(outline.min(0) - margin, 0)
    right, bottom = np.minimum(outline.max(0) + margin, image.shape[1::-1])
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA)
    # A wide blur and a threshold round the corners of the outline, a narrow blur softens the edge.
    rounded = cv2.threshold(cv2.GaussianBlur(mask, (0, 0), 5), 127, 255, cv2.THRESH_BINARY)[1]
    alpha = cv2.GaussianBlur(cv2.erode(rounded, np.ones((3, 3), np.uint8)), (0, 0), _FEATHER_PX)[top:bottom, left:right]
    x0, y0, x1, y1 = actor.face
    fade = np.clip((bottom - 4 - np.arange(top, bottom)) / max(bottom - 4 - y1, 1) * 2.0, 0, 1)
    alpha = (alpha * fade[:, None]).astype(np.uint8)
    colour = cv2.multiply(image[top:bottom, left:right], cv2.merge([alpha] * 3), scale=1 / 255).astype(np.uint8)
    cheek = image[
        round(y0 + 0.55 * (y1 - y0)) : round(y0 + 0.7 * (y1 - y0)),
        round(x0 + 0.3 * (x1 - x0)) : round(x0 + 0.7 * (x1 - x0)),
    ]
    blue, green, red = (int(value) for value in np.median(cheek.reshape(-1, 3), axis=0))
    centre = ((x0 + x1) / 2 - float(left), (y0 + y1) / 2 - float(top))
    return Head(colour, alpha, float(y1 - y0), centre, (blue, green, red))


def _upright(actor: Actor) -> tuple[Image, NDArray[np.float64]]:
    """Return the photo turned about the face until the head is upright, and the 2 x 3 matrix that did it."""
    left, top, right, bottom = actor.face
    turn = cv2.getRotationMatrix2D(((left + right) / 2, (top + bottom) / 2), -actor.tilt_deg, 1.0)
    image = photo(actor.photo)
    size = (image.shape[1], image.shape[0])
    turned = cv2.warpAffine(image, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8), turn.astype(np.float64)
