"""The set of the film: a bank lobby seen from the entrance camera, drawn with OpenCV, and its sliding glass door.

A pinhole camera of `FOCAL_PX` stands `EYE_M` high and looks level: a point x metres right, h metres high and z metres
away is at (640 + x f/z, `HORIZON_PX` + (`EYE_M` - h) f/z). Everything is drawn at twice the size and scaled down.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""

WIDTH, HEIGHT = 1280, 720
FOCAL_PX = 1000.0
HORIZON_PX = 205.0
EYE_M = 1.85
WALL_Z_M = 8.0
"""The back wall with the door."""
_HALF_ROOM_M = 3.9
_CEILING_M = 3.15
_DOOR_HALF_M = 1.0
_DOOR_HEIGHT_M = 2.4
_SS = 2

CREAM = (206, 224, 234)
WOOD, WOOD_DARK, GOLD = (74, 104, 146), (48, 70, 104), (92, 168, 206)
RED, LEAF, STEEL = (52, 40, 152), (72, 122, 62), (150, 144, 136)


def project(x_m: float, h_m: float, z_m: float) -> tuple[float, float]:
    """Return the pixel of a point x metres to the right, h metres above the floor and z metres away."""
    scale = FOCAL_PX / z_m
    return WIDTH / 2 + x_m * scale, HORIZON_PX + (EYE_M - h_m) * scale


@dataclass(frozen=True, slots=True)
class Doorway:
    """The opening in the back wall, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def doorway() -> Doorway:
    """Where the door is."""
    left, top = project(-_DOOR_HALF_M, _DOOR_HEIGHT_M, WALL_Z_M)
    right, bottom = project(_DOOR_HALF_M, 0.0, WALL_Z_M)
    return Doorway(round(left), round(top), round(right), round(bottom))


def lobby() -> Image:
    """Draw the empty lobby: u8 (720, 1280, 3), the street showing through the open door."""
    canvas = np.zeros((HEIGHT * _SS, WIDTH * _SS, 3), np.uint8)
    _shell(canvas)
    _floor(canvas)
    _street(canvas)
    _door_frame(canvas)
    _counter(canvas)
    _ticket_machine(canvas)
    _seats(canvas)
    for x_m, z_m in ((-1.75, 7.5), (1.75, 7.5), (3.35, 4.6)):
        _plant(canvas, x_m, z_m)
    return _grade(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8))


def close_door(frame: Image, opening: float) -> None:
    """Draw the two glass leaves into `frame`; `opening` 0 is shut, 1 is open."""
    door = doorway()
    half = (door.right - door.left) // 2
    shift = round(half * 0.94 * opening)
    for left, right in ((door.left, door.left + half - shift), (door.left + half + shift, door.right)):
        if right - left < 3:
            continue
        leaf = frame[door.top : door.bottom, left:right]
        pane = np.full_like(leaf, (222, 214, 200))
        leaf[:] = cv2.addWeighted(leaf, 0.78, pane, 0.22, 0)
        cv2.rectangle(frame, (left, door.top), (right - 1, door.bottom - 1), STEEL, 2, cv2.LINE_AA)
        middle = (door.top + door.bottom) // 2 + 12
        cv2.rectangle(frame, (left + 2, middle), (right - 3, middle + 7), (210, 214, 224), -1)
        cv2.line(
            frame, (left + 6, door.top + 30), (min(right - 4, left + 46), door.top + 6), (240, 240, 240), 1, cv2.LINE_AA
        )


def _points(corners: list[tuple[float, float, float]]) -> NDArray[np.int32]:
    return np.array([[round(v * _SS) for v in project(*corner)] for corner in corners], np.int32)


def _face(canvas: Image, colour: Colour, *corners: tuple[float, float, float]) -> None:
    cv2.fillPoly(canvas, [_points(list(corners))], colour, cv2.LINE_AA)


def _box(canvas: Image, x: tuple[float, float], h: tuple[float, float], z: tuple[float, float], colour: Colour) -> None:
    """Draw a box on the set: the side towards the middle, the top, then the front, each in its own light."""
    (left, right), (low, high), (near, far) = x, h, z
    inner = right if right < 0 else left
    _face(canvas, _lit(colour, 0.78), (inner, low, far), (inner, high, far), (inner, high, near), (inner, low, near))
    _face(canvas, _lit(colour, 1.16), (left, high, near), (left, high, far), (right, high, far), (right, high, near))
    _face(canvas, colour, (left, low, near), (left, high, near), (right, high, near), (right, low, near))


def _lit(colour: Colour, light: float) -> Colour:
    blue, green, red = (min(255, round(value * light)) for value in colour)
    return blue, green, red


def _shell(canvas: Image) -> None:
    near, room, top = 0.6, _HALF_ROOM_M, _CEILING_M
    _face(canvas, (226, 234, 238), (-room, top, near), (-room, top, WALL_Z_M), (room, top, WALL_Z_M), (room, top, near))
    for side, light in ((-1, 0.9), (1, 0.96)):
        x = side * room
        _face(canvas, _lit(CREAM, light), (x, 0, near), (x, top, near), (x, top, WALL_Z_M), (x, 0, WALL_Z_M))
        _face(canvas, _lit(WOOD, light), (x, 0, near), (x, 0.95, near), (x, 0.95, WALL_Z_M), (x, 0, WALL_Z_M))
        _face(canvas, _lit(GOLD, light), (x, 0.95, near), (x, 1.0, near), (x, 1.0, WALL_Z_M), (x, 0.95, WALL_Z_M))
    _face(canvas, CREAM, (-room, 0, WALL_Z_M), (-room, top, WALL_Z_M), (room, top, WALL_Z_M), (room, 0, WALL_Z_M))
    _face(canvas, WOOD, (-room, 0, WALL_Z_M), (-room, 0.95, WALL_Z_M), (room, 0.95, WALL_Z_M), (room, 0, WALL_Z_M))
    _face(canvas, GOLD, (-room, 0.95, WALL_Z_M), (-room, 1.0, WALL_Z_M), (room, 1.0, WALL_Z_M), (room, 0.95, WALL_Z_M))
    for x in np.arange(-3.5, 3.6, 0.5):
        _face(canvas, WOOD_DARK, (x, 0, 7.99), (x, 0.95, 7.99), (x + 0.02, 0.95, 7.99), (x + 0.02, 0, 7.99))
    for z in (7.0, 5.4, 3.8, 2.4):
        for x in (-1.9, 1.0):
            lamp = (252, 254, 255)
            _face(canvas, lamp, (x, top, z), (x, top, z + 0.5), (x + 0.9, top, z + 0.5), (x + 0.9, top, z))
    for x, tone in ((-2.9, (178, 150, 96)), (2.15, (120, 130, 176))):
        _picture(canvas, x, tone)


def _picture(canvas: Image, x: float, tone: Colour) -> None:
    """Draw a framed landscape on the back wall: two hills and a sun."""
    _face(canvas, WOOD_DARK, (x, 1.35, 7.98), (x, 2.05, 7.98), (x + 0.8, 2.05, 7.98), (x + 0.8, 1.35, 7.98))
    _face(
        canvas,
        (228, 238, 240),
        (x + 0.04, 1.39, 7.97),
        (x + 0.04, 2.01, 7.97),
        (x + 0.76, 2.01, 7.97),
        (x + 0.76, 1.39, 7.97),
    )
    _face(canvas, tone, (x + 0.08, 1.43, 7.96), (x + 0.3, 1.75, 7.96), (x + 0.55, 1.43, 7.96))
    _face(canvas, _lit(tone, 0.8), (x + 0.3, 1.43, 7.96), (x + 0.52, 1.65, 7.96), (x + 0.74, 1.43, 7.96))
    centre = _points([(x + 0.58, 1.84, 7.96)])[0]
    cv2.circle(canvas, (int(centre[0]), int(centre[1])), 11, (92, 110, 214), -1, cv2.LINE_AA)


def _floor(canvas: Image) -> None:
    """Marble tiles that mirror the wall a little, and a red carpet from the door to the camera."""
    room = _HALF_ROOM_M
    line = round(project(0, 0, WALL_Z_M)[1] * _SS)
    mirror = canvas[line - 320 : line][::-1].copy()
    _face(canvas, (196, 206, 212), (-room, 0, 0.6), (-room, 0, WALL_Z_M), (room, 0, WALL_Z_M), (room, 0, 0.6))
    tone = np.random.default_rng(7)
    for row, z in enumerate(np.arange(1.0, 8.0, 0.7)):
        for column, x in enumerate(np.arange(-3.9, 3.9, 0.78)):
            shade = 1.0 + float(tone.uniform(-0.03, 0.03)) - (0.05 if (row + column) % 2 else 0.0)
            far = min(z + 0.69, WALL_Z_M)
            tile = _lit((200, 210, 216), shade)
            _face(canvas, tile, (x, 0, z), (x, 0, far), (x + 0.77, 0, far), (x + 0.77, 0, z))
    fade = np.linspace(0.34, 0.0, mirror.shape[0], dtype=np.float32)[:, None, None]
    below = canvas[line : line + mirror.shape[0]]
    soft = cv2.GaussianBlur(mirror, (0, 0), 9).astype(np.float32)
    below[:] = (below * (1 - fade) + soft * fade).astype(np.uint8)
    for half, colour in ((1.06, GOLD), (1.0, RED)):
        _face(canvas, colour, (-half, 0, 0.6), (-half, 0, 7.9), (half, 0, 7.9), (half, 0, 0.6))
    for x in (-0.86, 0.83):
        _face(canvas, _lit(RED, 1.3), (x, 0, 0.6), (x, 0, 7.85), (x + 0.03, 0, 7.85), (x + 0.03, 0, 0.6))


def _street(canvas: Image) -> None:
    """Morning outside the door: sky, a house across the street, trees, all out of focus."""
    door = doorway()
    top, bottom, left, right = (value * _SS for value in (door.top, door.bottom, door.left, door.right))
    height, width = bottom - top, right - left
    sky, haze = np.array([244, 226, 196], np.float32), np.array([238, 244, 246], np.float32)
    blend = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    view = np.broadcast_to(sky * (1 - blend) + haze * blend, (height, width, 3)).astype(np.uint8).copy()
    horizon = round(height * 0.78)
    for x, high, colour in ((0.02, 0.46, (176, 186, 204)), (0.36, 0.58, (190, 184, 180)), (0.7, 0.40, (168, 180, 196))):
        corner = (round(width * x), round(height * (0.78 - high)))
        cv2.rectangle(view, corner, (round(width * (x + 0.28)), horizon), colour, -1)
    cv2.rectangle(view, (0, horizon), (width, height), (186, 190, 194), -1)
    for x in (0.14, 0.86):
        trunk = round(width * x)
        cv2.rectangle(view, (trunk - 6, round(height * 0.5)), (trunk + 6, horizon), (70, 84, 98), -1)
        for dx, dy in ((-30, 0), (26, 6), (0, -34), (-8, 22)):
            cv2.circle(view, (trunk + dx, round(height * 0.42) + dy), 46, (106, 160, 112), -1, cv2.LINE_AA)
    canvas[top:bottom, left:right] = cv2.GaussianBlur(view, (0, 0), 7)


def _door_frame(canvas: Image) -> None:
    half, high = _DOOR_HALF_M, _DOOR_HEIGHT_M
    for x in (-half - 0.09, half):
        _face(canvas, WOOD_DARK, (x, 0, 7.95), (x, high, 7.95), (x + 0.09, high, 7.95), (x + 0.09, 0, 7.95))
    _face(
        canvas, WOOD_DARK, (-half - 0.09, high, 7.95), (-half - 0.09, high + 0.1, 7.95),
        (half + 0.09, high + 0.1, 7.95), (half + 0.09, high, 7.95),
    )  # fmt: skip
    _face(canvas, RED, (-1.5, 2.58, 7.9), (-1.5, 3.0, 7.9), (1.5, 3.0, 7.9), (1.5, 2.58, 7.9))
    # The emblem of a bank that does not exist: a doorway in a ring, between two gold bars.
    x, y = _points([(0, 2.79, 7.9)])[0]
    cv2.circle(canvas, (int(x), int(y)), 40, GOLD, 7, cv2.LINE_AA)
    cv2.rectangle(canvas, (int(x) - 14, int(y) - 16), (int(x) + 14, int(y) + 24), GOLD, 6, cv2.LINE_AA)
    for left, right in ((-1.35, -0.35), (0.35, 1.35)):
        for low in (2.7, 2.84):
            _face(canvas, GOLD, (left, low, 7.9), (left, low + 0.04, 7.9), (right, low + 0.04, 7.9), (right, low, 7.9))


def _counter(canvas: Image) -> None:
    """Three service windows along the left wall."""
    _box(canvas, (-_HALF_ROOM_M, -2.75), (0, 1.05), (3.1, 7.2), WOOD)
    _face(canvas, GOLD, (-2.75, 0.9, 7.2), (-2.75, 0.95, 7.2), (-2.75, 0.95, 3.1), (-2.75, 0.9, 3.1))
    overlay = canvas.copy()
    _face(overlay, (236, 230, 214), (-2.85, 1.05, 7.2), (-2.85, 1.8, 7.2), (-2.85, 1.8, 3.1), (-2.85, 1.05, 3.1))
    cv2.addWeighted(overlay, 0.45, canvas, 0.55, 0, dst=canvas)
    for z in (3.1, 4.46, 5.83, 7.2):
        _face(canvas, STEEL, (-2.85, 1.05, z), (-2.85, 1.85, z), (-2.85, 1.85, z - 0.05), (-2.85, 1.05, z - 0.05))
    for z in (3.8, 5.15, 6.5):
        _face(canvas, (40, 36, 34), (-2.85, 2.0, z), (-2.85, 2.25, z), (-2.85, 2.25, z - 0.5), (-2.85, 2.0, z - 0.5))
        _face(
            canvas,
            (70, 90, 226),
            (-2.84, 2.08, z - 0.1),
            (-2.84, 2.17, z - 0.1),
            (-2.84, 2.17, z - 0.4),
            (-2.84, 2.08, z - 0.4),
        )


def _ticket_machine(canvas: Image) -> None:
    _box(canvas, (2.05, 2.6), (0, 1.25), (6.5, 6.9), (150, 132, 110))
    _face(canvas, (240, 226, 190), (2.12, 0.82, 6.49), (2.12, 1.15, 6.49), (2.53, 1.15, 6.49), (2.53, 0.82, 6.49))
    _face(canvas, (150, 110, 40), (2.16, 1.0, 6.48), (2.16, 1.11, 6.48), (2.49, 1.11, 6.48), (2.49, 1.0, 6.48))
    _face(canvas, (50, 50, 50), (2.22, 0.62, 6.48), (2.22, 0.65, 6.48), (2.43, 0.65, 6.48), (2.43, 0.62, 6.48))


def _seats(canvas: Image) -> None:
    for z in (5.9, 5.2, 4.5):
        _box(canvas, (3.0, 3.6), (0.38, 0.48), (z - 0.5, z), (150, 96, 52))
        _face(canvas, (160, 104, 58), (3.6, 0.4, z), (3.6, 0.95, z), (3.6, 0.95, z - 0.5), (3.6, 0.4, z - 0.5))
        _face(canvas, STEEL, (3.28, 0, z - 0.25), (3.28, 0.38, z - 0.25), (3.33, 0.38, z - 0.25), (3.33, 0, z - 0.25))


def _plant(canvas: Image, x_m: float, z_m: float) -> None:
    scale = FOCAL_PX / z_m * _SS
    foot = _points([(x_m, 0, z_m)])[0]
    x, y = int(foot[0]), int(foot[1])
    cv2.ellipse(canvas, (x, y), (round(0.2 * scale), round(0.05 * scale)), 0, 0, 360, (120, 128, 134), -1, cv2.LINE_AA)
    for turn, reach in ((-74, 0.42), (-48, 0.58), (-24, 0.68), (0, 0.74), (24, 0.68), (48, 0.58), (74, 0.42)):
        angle = np.radians(turn)
        tip = (x + round(np.sin(angle) * reach * scale * 0.7), y - round((0.32 + np.cos(angle) * reach) * scale))
        middle = ((x + tip[0]) // 2, (y - round(0.3 * scale) + tip[1]) // 2)
        length = round(reach * scale * 0.42)
        colour = _lit(LEAF, 0.85 + 0.3 * (1 - abs(turn) / 74))
        lean = float(np.degrees(np.arctan2(tip[1] - y + 0.3 * scale, tip[0] - x)))
        cv2.ellipse(canvas, middle, (length, round(0.055 * scale)), lean, 0, 360, colour, -1, cv2.LINE_AA)
    pot = [(-0.15, 0.32), (0.15, 0.32), (0.11, 0), (-0.11, 0)]
    shape = np.array([[x + round(dx * scale), y - round(dh * scale)] for dx, dh in pot], np.int32)
    cv2.fillPoly(canvas, [shape], (226, 228, 230), cv2.LINE_AA)


def _grade(image: Image) -> Image:
    """Daylight from the door, warm lamps, a light vignette."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    glow = np.exp(-(((columns - 640) / 330) ** 2 + ((rows - 400) / 230) ** 2))
    edge = 1.0 - 0.22 * (((columns - 640) / 640) ** 2 + ((rows - 360) / 360) ** 2) / 2
    light = edge[..., None] * (1.0 + glow[..., None] * np.array([0.10, 0.08, 0.05], np.float32))
    graded: Image = np.clip(image * light * np.array([0.96, 0.99, 1.0], np.float32), 0, 255).astype(np.uint8)
    return graded
