"""From the bytes of a photo to a template: decode, find the one person meant, judge the photo, embed."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from PIL import Image as HeaderReader
from PIL import UnidentifiedImageError

from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine, Vector
from yingbin.faces.face import Face, Image
from yingbin.faces.quality import Quality, assess

MAX_PIXELS = 40_000_000
"""A photo of a current phone has 12 to 50 million; decoding takes three bytes for each."""

MIN_SIZE_PX = 40.0
MIN_SHARPNESS = 0.15
MAX_YAW_DEGREES = 65.0
MIN_BRIGHTNESS = 30.0
MAX_BRIGHTNESS = 225.0
CREDIBLE_SCORE = 0.85
RIVAL_AREA = 1 / 3

_TOO_LARGE = "the photo has more than 40 million pixels: make it smaller"
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
_LOOKS = ((640, 0.0), (320, 0.35), (1280, 0.0))
"""Detector side in pixels, border as part of the longer side: as it is; a face that fills the photo; a distant one."""


class Reason(StrEnum):
    """Why a photo cannot be used to enrol somebody."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TURNED_AWAY = "turned_away"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"


class Criterion(StrEnum):
    """What a photo is judged by."""

    ONE_FACE = "one_face"
    SIZE = "size"
    POSE = "pose"
    LIGHT = "light"
    SHARPNESS = "sharpness"


_ADVICE = {
    Reason.NO_FACE: "no face was found in the photo: use one that shows the whole face from the front",
    Reason.SEVERAL_FACES: "the photo shows several people: crop it to the one person meant",
    Reason.TOO_SMALL: f"the face is too small: it must be at least {MIN_SIZE_PX:.0f} pixels high",
    Reason.BLURRED: "the face is blurred: take the photo again, in focus and without movement",
    Reason.TURNED_AWAY: "the face is turned away: the person must look towards the camera",
    Reason.TOO_DARK: "the face is too dark: take the photo again with more light",
    Reason.TOO_BRIGHT: "the face is too bright: take the photo again with less light",
}


class NotAnImage(InvalidInput):
    """The bytes are not a photo that can be decoded, or one too large to decode safely."""

    code = "not_an_image"


class EnrolmentRefused(InvalidInput):
    """The photo cannot be used to enrol; `reason` says why, the message what to do."""

    code = "enrolment_refused"

    def __init__(self, reason: Reason) -> None:
        super().__init__(_ADVICE[reason])
        self.reason = reason

    @property
    def details(self) -> dict[str, Any]:
        """The reason, for pages that say it in their own words."""
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """A usable photo: the face in it, how good it is, and its vector, f32 (dimension,) of norm 1."""

    face: Face
    quality: Quality
    vector: Vector


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion: the value, the bounds it must lie in (None: no bound), and the reason to refuse, if it does not.

    Units: `one_face` how many people could be meant, `size` pixels, `pose` degrees from frontal, `light` grey level
    0..255, `sharpness` 0..1.
    """

    criterion: Criterion
    value: float
    lowest: float | None
    highest: float | None
    reason: Reason | None


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A photo looked at, usable or not: its faces, which one is meant, how good it is. No vector was made."""

    faces: list[Face]
    main: Face | None
    verdicts: tuple[Verdict, ...]


def decode_image(content: bytes) -> Image:
    """Decode JPEG, PNG, WebP, BMP or PGM/PPM to BGR, turned upright as EXIF says.

    The header is read first: more than 40 million pixels are refused before anything is decoded. Raises `NotAnImage`.
    """
    try:
        with HeaderReader.open(io.BytesIO(content), formats=_FORMATS) as header:
            width, height = header.size
    except HeaderReader.DecompressionBombError as error:
        raise NotAnImage(_TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise NotAnImage("the file is not a photo: use JPEG, PNG, WebP or BMP") from error
    if width * height > MAX_PIXELS:
        raise NotAnImage(_TOO_LARGE)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise NotAnImage("the photo is damaged: save it again")
    return image.astype(np.uint8, copy=False)


def acquire(engine: FaceEngine, image: Image) -> Acquired:
    """Find the person a BGR photo is about and make his vector. Raises `EnrolmentRefused` with the reason.

    The person meant is the largest credible face (see `main_face`). Small faces in the background are tolerated.
    """
    faces = _find(engine, image)
    face = main_face(faces)
    quality = assess(image, face)
    reason = enrolment_verdict(faces, quality)
    if reason is not None:
        raise EnrolmentRefused(reason)
    return Acquired(face, quality, engine.embed(image, face))


def examine(engine: FaceEngine, image: Image) -> Examined:
    """Look at a BGR photo as `acquire` does, and say how it is instead of refusing it."""
    faces = _find(engine, image)
    main = main_face(faces) if faces else None
    return Examined(faces, main, verdicts(faces, assess(image, main) if main else None))


def main_face(faces: Sequence[Face]) -> Face:
    """Return the largest face with a score >= 0.85, or the largest if none has it. Raises `EnrolmentRefused` (no_face).

    Without the score a ball or a painting behind the person can win: such false detections stay below 0.85.
    """
    if not faces:
        raise EnrolmentRefused(Reason.NO_FACE)
    return max(_credible(faces) or faces, key=lambda face: face.area_px)


def enrolment_verdict(faces: Sequence[Face], quality: Quality | None) -> Reason | None:
    """Return the first reason to refuse a photo among its `verdicts`; None means accept."""
    return next((verdict.reason for verdict in verdicts(faces, quality) if verdict.reason), None)


def verdicts(faces: Sequence[Face], quality: Quality | None) -> tuple[Verdict, ...]:
    """Judge a photo by all its faces and the quality of the main one; without a face there is only `one_face`.

    Several faces: another credible one has a third of the main one's area or more (0.58 of its height), so it is not
    clear who is meant. The other gates refuse what would make a bad template, not what ICAO would refuse for a
    passport: a failure to acquire costs the customer the service. Measured with the default pack: scaled to 40 px a
    face keeps a median cosine of .91 to itself; at sharpness .15 about .88 out of focus and .75 smeared by motion.
    """
    credible = _credible(faces)
    largest = max((face.area_px for face in credible), default=0.0)
    meant = max(len([face for face in credible if face.area_px >= RIVAL_AREA * largest]), min(len(faces), 1))
    one_face = _judged(Criterion.ONE_FACE, meant, 1, 1, Reason.NO_FACE, Reason.SEVERAL_FACES)
    if quality is None:
        return (one_face,)
    return (
        one_face,
        _judged(Criterion.SIZE, quality.size_px, MIN_SIZE_PX, None, Reason.TOO_SMALL),
        _judged(Criterion.POSE, abs(quality.yaw), None, MAX_YAW_DEGREES, None, Reason.TURNED_AWAY),
        _judged(
            Criterion.LIGHT, quality.brightness, MIN_BRIGHTNESS, MAX_BRIGHTNESS, Reason.TOO_DARK, Reason.TOO_BRIGHT
        ),
        _judged(Criterion.SHARPNESS, quality.sharpness, MIN_SHARPNESS, None, Reason.BLURRED),
    )


def _judged(
    criterion: Criterion,
    value: float,
    lowest: float | None,
    highest: float | None,
    below: Reason | None,
    above: Reason | None = None,
) -> Verdict:
    if lowest is not None and value < lowest:
        return Verdict(criterion, value, lowest, highest, below)
    if highest is not None and value > highest:
        return Verdict(criterion, value, lowest, highest, above)
    return Verdict(criterion, value, lowest, highest, None)


def _credible(faces: Sequence[Face]) -> list[Face]:
    return [face for face in faces if face.score >= CREDIBLE_SCORE]


def _find(engine: FaceEngine, image: Image) -> list[Face]:
    """Return the faces of the first look that finds a credible one, else of the first that finds any."""
    doubtful: list[Face] = []
    for side, border in _LOOKS:
        faces = _look(engine, image, side, border)
        if _credible(faces):
            return faces
        doubtful = doubtful or faces
    return doubtful


def _look(engine: FaceEngine, image: Image, side: int, border: float) -> list[Face]:
    margin = round(border * max(image.shape[:2]))
    framed = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT) if margin else image
    shift = np.float32(margin)
    return [
        Face(face.box - shift, face.landmarks - shift, face.score)
        for face in engine.detect(framed.astype(np.uint8, copy=False), (side, side))
    ]
