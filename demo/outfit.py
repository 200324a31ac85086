"""What the people of the film wear: bodies without heads, drawn once per phase of the step."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.cast import FACE_M, Actor
from demo.scenery import Colour, Image

PHASES = 12
"""Drawings per double step."""
PX_PER_M = 400.0
_SHIFT = 4
_WIDTH_M = 1.1


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One drawing: premultiplied colour u8 (h, w, 3) and alpha u8 (h, w). The feet stand at (`foot_x`, h - margin)."""

    colour: Image
    alpha: NDArray[np.uint8]


class _Pad:
    """Draws in metres: x to the right of the middle, h above the floor."""

    def __init__(self, height_m: float) -> None:
        self.rows = round((height_m + 0.1) * PX_PER_M)
        self.columns = round(_WIDTH_M * PX_PER_M)
        self.colour = np.zeros((self.rows, self.columns, 3), np.uint8)
        self.alpha = np.zeros((self.rows, self.columns), np.uint8)

    def _fixed(self, x: float, h: float) -> tuple[int, int]:
        unit = PX_PER_M * (1 << _SHIFT)
        return round(x * unit + self.columns / 2 * (1 << _SHIFT)), round(self.rows * (1 << _SHIFT) - (h + 0.05) * unit)

    def shape(self, colour: Colour, *corners: tuple[float, float]) -> None:
        points = np.array([self._fixed(*corner) for corner in corners], np.int32)
        cv2.fillPoly(self.colour, [points], colour, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.alpha, [points], 255, cv2.LINE_AA, _SHIFT)

    def disc(self, colour: Colour, x: float, h: float, half_width: float, half_height: float) -> None:
        turns = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        self.shape(colour, *((x + half_width * np.cos(t), h + half_height * np.sin(t)) for t in turns))

    def limb(
        self, colour: Colour, start: tuple[float, float], end: tuple[float, float], width: tuple[float, float]
    ) -> None:
        """Draw a tapered capsule; `width` at start and end."""
        along = np.array(end) - np.array(start)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
        first, last = across * width[0] / 2, across * width[1] / 2
        self.shape(colour, *(tuple(p) for p in (start + first, end + last, end - last, start - first)))
        self.disc(colour, *start, width[0] / 2, width[0] / 2)
        self.disc(colour, *end, width[1] / 2, width[1] / 2)


def shaded(colour: Colour, light: float) -> Colour:
    """Return the colour in more (> 1) or less (< 1) light."""
    blue, green, red = (int(np.clip(value * light, 0, 255)) for value in colour)
    return blue, green, red


def draw_bodies(actor: Actor, skin: Colour) -> list[Body]:
    """Return `PHASES` drawings of one double step."""
    return [_draw(actor, skin, 2 * np.pi * index / PHASES) for index in range(PHASES)]


def _draw(actor: Actor, skin: Colour, phase: float) -> Body:
    pad = _Pad(actor.height_m)
    step = float(np.sin(phase))
    chin = actor.height_m - FACE_M * 1.28
    shoulder = chin - 0.035
    waist = actor.height_m * 0.56
    hem = {"suit": waist - 0.13, "jacket": waist - 0.08, "long_coat": actor.height_m * 0.36}[actor.outfit]
    # The leg that swings forward is lifted and, being nearer, drawn last.
    for side in (-1, 1) if step > 0 else (1, -1):
        _leg(pad, actor, side, max(0.0, side * step), waist)
    for side in (-1, 1):
        _arm(pad, actor, skin, side, -side * step, shoulder)
    _torso(pad, actor, shoulder, waist, hem)
    pad.limb(shaded(skin, 0.82), (0, chin + 0.05), (0, shoulder + 0.03), (0.12, 0.12))
    _front(pad, actor, skin, shoulder, waist, hem)
    return _finish(pad)


def _leg(pad: _Pad, actor: Actor, side: int, lift: float, waist: float) -> None:
    hip, knee = (side * 0.085, waist - 0.05), (side * 0.095, waist * 0.52 + lift * 0.05)
    ankle = (side * 0.085, 0.07 + lift * 0.13)
    colour = shaded(actor.legs, 0.92 + 0.14 * lift)
    pad.disc((32, 30, 30), ankle[0] + side * 0.01, ankle[1] - 0.035, 0.055, 0.05 + 0.02 * lift)
    pad.limb(colour, hip, knee, (0.19, 0.15))
    pad.limb(colour, knee, ankle, (0.15, 0.10))


def _arm(pad: _Pad, actor: Actor, skin: Colour, side: int, swing: float, shoulder: float) -> None:
    top = (side * 0.188, shoulder - 0.088)
    elbow = (side * (0.262 - 0.01 * swing), shoulder - 0.33 + 0.02 * swing)
    hand = (side * (0.255 - 0.03 * swing), shoulder - 0.57 + 0.06 * max(swing, 0))
    pad.disc(skin, hand[0], hand[1] - 0.05, 0.038, 0.055)
    colour = shaded(actor.cloth, 0.86 + 0.06 * swing)
    pad.limb(colour, top, elbow, (0.128, 0.112))
    pad.limb(colour, elbow, hand, (0.112, 0.085))
    pad.limb(
        shaded(actor.cloth, 0.66), (hand[0] - 0.03, hand[1] - 0.012), (hand[0] + 0.03, hand[1] - 0.012), (0.016, 0.016)
    )


def _torso(pad: _Pad, actor: Actor, shoulder: float, waist: float, hem: float) -> None:
    flare = 0.235 if actor.outfit == "long_coat" else 0.195
    right = [
        (0.06, shoulder + 0.022), (0.15, shoulder - 0.005), (0.215, shoulder - 0.045), (0.232, shoulder - 0.1),
        (0.2, shoulder - 0.25), (0.176, waist + 0.03), (0.19, waist - 0.06), (flare, hem + 0.03), (flare - 0.015, hem),
    ]  # fmt: skip
    pad.shape(actor.cloth, *right, *((-x, h) for x, h in reversed(right)))


def _front(pad: _Pad, actor: Actor, skin: Colour, shoulder: float, waist: float, hem: float) -> None:
    dark, light = shaded(actor.cloth, 0.7), shaded(actor.cloth, 1.16)
    if actor.outfit == "suit":
        low = waist + 0.08
        pad.shape((236, 236, 238), (-0.075, shoulder + 0.02), (0.075, shoulder + 0.02), (0.0, low))
        pad.shape(shaded(skin, 0.9), (-0.05, shoulder + 0.03), (0.05, shoulder + 0.03), (0.0, shoulder - 0.05))
        pad.shape(
            actor.trim,
            (-0.02, shoulder - 0.03),
            (0.02, shoulder - 0.03),
            (0.028, low + 0.07),
            (0, low + 0.02),
            (-0.028, low + 0.07),
        )
        for side in (-1, 1):
            pad.shape(
                light,
                (side * 0.06, shoulder + 0.03),
                (side * 0.125, shoulder - 0.1),
                (side * 0.09, shoulder - 0.13),
                (0, low),
            )
        pad.limb(dark, (0, low), (0.012, hem + 0.01), (0.006, 0.006))
        for row in (0.0, 0.09):
            pad.disc(dark, 0.018, low - 0.03 - row, 0.009, 0.009)
    elif actor.outfit == "long_coat":
        pad.limb(dark, (0.015, shoulder - 0.12), (0.02, hem + 0.01), (0.008, 0.008))
        for row in (0.2, 0.32, 0.44):
            pad.disc(dark, 0.055, shoulder - row, 0.013, 0.013)
        pad.limb(dark, (-0.178, waist + 0.02), (0.178, waist + 0.02), (0.045, 0.045))
        pad.limb(actor.trim, (-0.085, shoulder + 0.015), (0.085, shoulder + 0.015), (0.075, 0.075))
        pad.limb(shaded(actor.trim, 0.93), (0.03, shoulder), (0.055, shoulder - 0.24), (0.07, 0.085))
    else:
        pad.shape(
            actor.trim,
            (-0.07, shoulder + 0.025),
            (0.07, shoulder + 0.025),
            (0.028, shoulder - 0.16),
            (-0.028, shoulder - 0.16),
        )
        pad.limb(dark, (0, shoulder - 0.16), (0, hem + 0.01), (0.01, 0.01))
        for side in (-1, 1):
            pad.limb(light, (side * 0.055, shoulder + 0.03), (side * 0.075, shoulder - 0.075), (0.05, 0.035))
            pad.limb(dark, (side * 0.1, waist + 0.12), (side * 0.14, waist + 0.03), (0.008, 0.008))
        pad.limb(dark, (-0.18, hem + 0.02), (0.18, hem + 0.02), (0.03, 0.03))


def _finish(pad: _Pad) -> Body:
    """Round the body with light from above and darker sides, warm its edge with light from the door, premultiply."""
    inside = _wide_blur(pad.alpha, 16).astype(np.float32) / 255
    edge = cv2.GaussianBlur(pad.alpha, (0, 0), 3).astype(np.float32) / 255
    columns = np.linspace(-1, 1, pad.columns, dtype=np.float32)[None, :]
    rows = np.linspace(1.06, 0.86, pad.rows, dtype=np.float32)[:, None]
    light = (0.62 + 0.46 * inside - 0.08 * columns) * rows
    rim = np.clip(1.0 - edge, 0, 0.4)[..., None] * np.array([74, 80, 84], np.float32)
    colour = np.clip(pad.colour * light[..., None] + rim, 0, 255).astype(np.uint8)
    alpha = cv2.GaussianBlur(pad.alpha, (0, 0), 0.8).astype(np.uint8)
    return Body(cv2.multiply(colour, cv2.merge([alpha] * 3), scale=1 / 255).astype(np.uint8), alpha)


def _wide_blur(mask: NDArray[np.uint8], sigma_px: float) -> NDArray[np.uint8]:
    """Blur at a quarter of the size: nothing finer is left after a blur this wide."""
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma_px / 4), mask.shape[::-1]).astype(np.uint8)
