"""One person's walk through the set: where he is at each moment, how his head moves, and putting him into a frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.cast import FACE_M, Actor, Entrance, Head
from demo.outfit import PHASES, PX_PER_M, Body
from demo.scenery import FOCAL_PX, WALL_Z_M, Doorway, Image, project

START_Z_M = 9.0
_END_Z_M = 0.95
_SPEED_M_PER_S = 1.2
_TURN_Z_M = 2.0
"""From here on he leaves towards his side of the picture."""
_STEP_HZ = 0.95
SMALLEST_PX = FACE_M * FOCAL_PX / START_Z_M
WALK_S = (START_Z_M - _END_Z_M) / _SPEED_M_PER_S


@dataclass(frozen=True, slots=True)
class Pose:
    """A walker at one moment. `turn` -1..1 is how far he looks aside, `roll` in degrees, `light` a gain."""

    x_m: float
    z_m: float
    bob_m: float
    phase: int
    turn: float
    nod: float
    roll: float
    light: float
    blur_px: float


class Walker:
    """Walks once. Everything is a function of time, so any frame can be drawn by itself."""

    def __init__(self, actor: Actor, entrance: Entrance, head: Head, bodies: list[Body], seed: int) -> None:
        self.actor = actor
        self._entrance = entrance
        self._head = _pyramid(head)
        self._bodies = bodies
        self._seeds = np.random.default_rng(seed).uniform(0, 2 * np.pi, 6)

    def pose(self, at_s: float) -> Pose | None:
        """Return where he is, or None before he comes and after he has gone."""
        walked_s = at_s - self._entrance.at_s
        if not 0 <= walked_s < WALK_S:
            return None
        z = START_Z_M - walked_s * _SPEED_M_PER_S
        leaving = float(np.clip((_TURN_Z_M - z) / (_TURN_Z_M - _END_Z_M), 0, 1)) ** 1.6
        entering = float(np.clip((z - WALL_Z_M + 1.5) / 2.0, 0, 1))
        lane = self._entrance.lane_m * (1 - 0.35 * entering)
        a, b, c, d, e, f = self._seeds
        step = 2 * np.pi * _STEP_HZ * walked_s
        return Pose(
            x_m=lane + (self._entrance.exit_m - lane) * leaving + 0.018 * float(np.sin(step + a)),
            z_m=z,
            bob_m=0.022 * abs(float(np.sin(step + a))),
            phase=round((step + a) / (2 * np.pi) * PHASES) % PHASES,
            turn=float(0.42 * np.sin(1.1 * walked_s + b) + 0.2 * np.sin(2.7 * walked_s + c)),
            nod=float(0.5 * np.sin(1.7 * walked_s + d)),
            roll=float(2.4 * np.sin(0.9 * walked_s + e) + 1.2 * np.sin(step + a)),
            light=float(
                0.93 + 0.09 * np.sin(z * 2.1 + 0.6) - 0.12 * np.clip((z - 6.5) / 2, 0, 1) + 0.02 * np.sin(f + at_s)
            ),
            blur_px=float(0.25 + 0.22 * abs(np.cos(step + a))),
        )

    def draw(self, frame: Image, pose: Pose, clip: Doorway | None) -> None:
        """Put him into `frame`; with `clip` only inside the doorway."""
        window = frame if clip is None else frame[clip.top : clip.bottom, clip.left : clip.right]
        origin = np.array([0, 0] if clip is None else [clip.left, clip.top], np.float64)
        scale = FOCAL_PX / pose.z_m
        feet = np.array(project(pose.x_m, 0, pose.z_m)) - origin
        _shadow(window, feet, scale)
        body = self._bodies[pose.phase]
        ratio = scale / PX_PER_M
        middle, ground = body.alpha.shape[1] / 2, body.alpha.shape[0] - 0.05 * PX_PER_M
        raise_px = pose.bob_m * scale * 0.7
        matrix = np.array([[ratio, 0, feet[0] - ratio * middle], [0, ratio, feet[1] - raise_px - ratio * ground]])
        _blend(window, body.colour, body.alpha, np.vstack([matrix, [0, 0, 1]]), pose.light, 0.0)
        self._draw_head(window, pose, feet - [0, (self.actor.height_m - FACE_M * 0.78 + pose.bob_m) * scale], scale)

    def _draw_head(self, window: Image, pose: Pose, centre: NDArray[np.float64], scale: float) -> None:
        target_px = FACE_M * scale
        level = min(
            (head for head in self._head if head.face_px >= target_px),
            key=lambda head: head.face_px,
            default=self._head[0],
        )
        ratio = target_px / level.face_px
        angle = np.radians(pose.roll)
        spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * ratio
        # Looking aside narrows the face and brings the near side closer: a small perspective about the vertical axis.
        matrix = np.eye(3)
        matrix[:2, :2] = spin @ np.diag([1 - 0.07 * abs(pose.turn), 1 - 0.02 * abs(pose.nod)])
        matrix[0, 1] += 0.03 * pose.turn * ratio
        keystone = np.eye(3)
        keystone[2, :2] = np.array([0.10 * pose.turn, 0.05 * pose.nod]) / level.face_px / 2
        back = np.array([[1, 0, -level.centre[0]], [0, 1, -level.centre[1]], [0, 0, 1]], np.float64)
        forth = np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1]], np.float64)
        _blend(window, level.colour, level.alpha, forth @ matrix @ keystone @ back, pose.light, pose.blur_px)


def _pyramid(head: Head) -> list[Head]:
    """Return the head at its own size and in steps of 0.8 down to the smallest: shrinking in one go would alias."""
    levels = [head]
    while levels[-1].face_px > SMALLEST_PX:
        ratio = 0.8 ** len(levels)
        colour, alpha = (
            cv2.resize(layer, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
            for layer in (head.colour, head.alpha)
        )
        centre = (head.centre[0] * ratio, head.centre[1] * ratio)
        levels.append(Head(colour.astype(np.uint8), alpha.astype(np.uint8), head.face_px * ratio, centre, head.skin))
    return levels


def _shadow(window: Image, feet: NDArray[np.float64], scale: float) -> None:
    half = np.array([0.36, 0.075]) * scale
    left, top = np.maximum(np.floor(feet - 2 * half).astype(int), 0)
    right, bottom = np.minimum(np.ceil(feet + 2 * half).astype(int), window.shape[1::-1])
    if right <= left or bottom <= top:
        return
    rows, columns = np.ogrid[top:bottom, left:right]
    distance = ((columns - feet[0]) / half[0]) ** 2 + ((rows - feet[1]) / half[1]) ** 2
    dark = (1 - 0.36 * np.exp(-1.2 * distance))[..., None].astype(np.float32)
    window[top:bottom, left:right] = (window[top:bottom, left:right] * dark).astype(np.uint8)


def _blend(
    window: Image, colour: Image, alpha: NDArray[np.uint8], matrix: NDArray[np.float64], light: float, blur_px: float
) -> None:
    """Warp a premultiplied picture into `window` and lay it over what is there."""
    height, width = alpha.shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    spread = cv2.perspectiveTransform(corners, matrix)[0]
    left, top = np.maximum(np.floor(spread.min(0)).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(spread.max(0)).astype(int) + 2, window.shape[1::-1])
    if right <= left or bottom <= top:
        return
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    size = (int(right - left), int(bottom - top))
    over = cv2.warpPerspective(colour, shift @ matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(alpha, shift @ matrix, size, flags=cv2.INTER_LINEAR)
    if blur_px:
        over, mask = (cv2.GaussianBlur(layer, (0, 0), blur_px) for layer in (over, mask))
    over = cv2.convertScaleAbs(over, alpha=light)
    under = cv2.multiply(window[top:bottom, left:right], cv2.merge([255 - mask] * 3), scale=1 / 255)
    window[top:bottom, left:right] = cv2.add(under, over)


def is_outside(pose: Pose) -> bool:
    """Whether he is still on the far side of the door."""
    return pose.z_m > WALL_Z_M
