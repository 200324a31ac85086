"""Renders the default walk-in clip: H.264, 1280 x 720, 25 frames/s, always the same.

Customers of this city, customers of another city of the province and strangers come through the door, alone and
together; their faces grow from under 30 to over 130 px while scale, light, blur and pose vary. See `demo.cast` for
what this can and cannot show.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from demo.cast import Cast, cut_out
from demo.outfit import draw_bodies
from demo.scenery import HEIGHT, WALL_Z_M, WIDTH, Image, close_door, doorway, lobby
from demo.walker import WALK_S, Walker, is_outside

FPS = 25
_DOOR_OPENS_M = 1.0
_NOISE_SD = 1.2
_TAIL_S = 1.2


def duration_s(cast: Cast) -> float:
    """Return how long the film is: until the last one has passed the camera, and a moment."""
    return max(entrance.at_s for entrance in cast.entrance) + WALK_S + _TAIL_S


def frames(cast: Cast, seed: int = 20) -> Iterator[Image]:
    """Yield the frames, BGR u8 (720, 1280, 3)."""
    stage = lobby()
    grain = _grain(seed)
    walkers = _walkers(cast, seed)
    opening = 0.0
    for index in range(round(duration_s(cast) * FPS)):
        at_s = index / FPS
        poses = [(walker, pose) for walker in walkers if (pose := walker.pose(at_s)) is not None]
        poses.sort(key=lambda pair: -pair[1].z_m)
        wanted = any(abs(pose.z_m - WALL_Z_M) < _DOOR_OPENS_M for _, pose in poses)
        opening = float(np.clip(opening + (0.07 if wanted else -0.04), 0, 1))
        frame = stage.copy()
        for walker, pose in poses:
            if is_outside(pose):
                walker.draw(frame, pose, doorway())
        close_door(frame, opening)
        for walker, pose in poses:
            if not is_outside(pose):
                walker.draw(frame, pose, None)
        bright, dark = grain[index % len(grain)]
        yield cv2.subtract(cv2.add(frame, bright), dark).astype(np.uint8)


def render(cast: Cast, path: Path, progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """Write the film to `path`; `progress(done, total)` in frames. No B-frames: every frame decodes when it arrives."""
    total = round(duration_s(cast) * FPS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.options = {"preset": "veryfast", "crf": "18", "bf": "0", "g": "50"}
        for done, image in enumerate(frames(cast), start=1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            progress(done, total)
        container.mux(stream.encode(None))


def _walkers(cast: Cast, seed: int) -> list[Walker]:
    heads = {actor.person: cut_out(actor) for actor in cast.actor}
    bodies = {actor.person: draw_bodies(actor, heads[actor.person].skin) for actor in cast.actor}
    return [
        Walker(cast.named(who.person), who, heads[who.person], bodies[who.person], seed + index)
        for index, who in enumerate(cast.entrance)
    ]


def _grain(seed: int) -> list[tuple[Image, Image]]:
    """Four fields of sensor noise, each as what to add and what to subtract."""
    noise = np.random.default_rng(seed).normal(0, _NOISE_SD, (4, HEIGHT, WIDTH, 1)).repeat(3, axis=3)
    return [(np.clip(n, 0, 255).astype(np.uint8), np.clip(-n, 0, 255).astype(np.uint8)) for n in noise]
