"""The clips of the benches: H.264, 1920 x 1080, 25 frames/s, no B-frames: each frame decodes when it arrives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import av
from av.video.frame import PictureType, VideoFrame

from yingbin.errors import InvalidInput

FPS: Final = 25
WIDTH: Final = 1920
HEIGHT: Final = 1080
_ENCODER: Final = {"preset": "veryfast", "crf": "23", "bf": "0", "g": "50"}
_HOW: Final = "libx264 veryfast crf 23, no B-frames, a key frame every 2 s, 1920x1080 25/s"


class ClipUnusable(InvalidInput):
    """The video cannot be read."""

    code = "clip_unusable"


@dataclass(frozen=True, slots=True)
class Clip:
    """An encoded clip. `source_fps` turns frame numbers of the original into its own; `made` says how it came about."""

    path: Path
    frames: int
    source_fps: float
    made: str

    @property
    def seconds(self) -> float:
        """Length."""
        return self.frames / FPS


def walk_in_film(path: Path, seconds: float, *, constant_mbit_per_s: int = 0) -> Clip:
    """Encode the first `seconds` of the demo's walk-in film, drawn at 1280 x 720 and scaled up.

    With `constant_mbit_per_s` as a camera does that is set to a constant bit rate, filler included.
    """
    from demo.cast import load_cast
    from demo.clip import frames

    drawn = islice(frames(load_cast()), round(seconds * FPS))
    pictures = (VideoFrame.from_ndarray(image, format="bgr24") for image in drawn)
    film = "the demo's walk-in film, scaled from 1280x720"
    if constant_mbit_per_s:
        rate = dict.fromkeys(("b", "minrate", "maxrate", "bufsize"), f"{constant_mbit_per_s}M")
        count = _encode(path, pictures, {"preset": "veryfast", "bf": "0", "g": "50", "nal-hrd": "cbr", **rate})
        return Clip(path, count, FPS, f"{film}; H.264 1920x1080 25/s at a constant {constant_mbit_per_s} Mbit/s")
    return Clip(path, _encode(path, pictures), FPS, f"{film}; {_HOW}")


def re_encoded(video: Path, path: Path, seconds: float) -> Clip:
    """Encode the first `seconds` of a video file anew; frames are repeated or left out. Raises `ClipUnusable`."""
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            size, rate = f"{stream.width}x{stream.height}", float(stream.average_rate or FPS)
            count = _encode(path, _at_25(container.decode(stream), rate, seconds))
    except (av.FFmpegError, OSError, IndexError) as error:
        raise ClipUnusable(f"--video {video} cannot be decoded: {error}") from error
    if not count:
        raise ClipUnusable(f"--video {video} holds no picture")
    return Clip(path, count, rate, f"{video.name}, scaled from {size} {rate:.2f}/s; {_HOW}")


def _at_25(frames: Iterator[VideoFrame], rate: float, seconds: float) -> Iterator[VideoFrame]:
    given = 0
    for index, frame in enumerate(frames):
        while given / FPS < min((index + 1) / rate, seconds):
            yield frame
            given += 1
        if given / FPS >= seconds:
            return


def _encode(path: Path, frames: Iterator[VideoFrame], options: Mapping[str, str] = _ENCODER) -> int:
    """Write the clip and return the number of its frames."""
    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.options = dict(options)
        for frame in frames:
            scaled = frame.reformat(WIDTH, HEIGHT, "yuv420p")
            scaled.pts, scaled.time_base = count, Fraction(1, FPS)
            scaled.pict_type = PictureType.NONE  # else the encoder would repeat the source's kinds of frames
            container.mux(stream.encode(scaled))
            count += 1
        container.mux(stream.encode(None))
    return count
