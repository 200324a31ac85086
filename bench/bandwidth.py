"""`yingbin bench bandwidth`: the three modes side by side, on one clip, with the real tiers as processes.

One province, one city, three branches with a camera box each: one sends vectors, one face crops, and one runs at the
city and pulls the whole stream. Counted is what crosses the line between branch and city: looks and their answers as
WebSocket frames with their headers, scene photos apart, and the stream with its MPEG-TS and HTTP headers. TLS and
TCP/IP come on top; see `carried`. `bytes_per_face` is by faces looked at in the clip (tracks); a visitor may be two.
`bytes_per_s` is not the clip's rate but that of one visitor every 10 s; a stream flows whoever comes.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.clips import Clip, walk_in_film
from bench.stream import PulledCamera
from demo.cast import load_cast
from demo.clip import duration_s
from demo.guests import guests_of_cast
from demo.house import House, Tier
from demo.setup import Bank, Founder, write_toml
from yingbin.errors import Unavailable

Say = Callable[[str], None]

FULL_S: Final = duration_s(load_cast())
QUICK_S: Final = 13.0
CAMERA_MBIT_PER_S: Final = 7
VISITOR_EVERY_S: Final = 10.0
_SETTLE_S: Final = 3.0
"""After the clip: time for the last answers at the city, where the stream has no end of its own."""
_TIMEOUT_S: Final = 60.0
_TCP_IP_BYTES: Final = 52
"""IPv4 and TCP headers with timestamps (RFC 791, 9293, 7323)."""
_TLS_BYTES: Final = 22
"""A TLS 1.3 record with AES-GCM (RFC 8446, 5.2)."""
_SEGMENT_BYTES: Final = 1448


class NoReport(Unavailable):
    """A box ended without its report, or saw nobody."""

    code = "no_report"


def figures_of_box(report: Mapping[str, Any], visitors: int) -> dict[str, float]:
    """Return the numbers of a box at the branch, at one visitor every 10 s; `report` is of `yingbin edge run --json`.

    Raises `NoReport`.
    """
    looks, inside = report["face_events"], carried(report)
    line_bytes = report["event_up_bytes"] + report["answer_down_bytes"]
    per_s = line_bytes / visitors / VISITOR_EVERY_S
    return {
        **_figures(report, line_bytes, per_s),
        "bytes_per_event": report["bytes_per_event"],
        "bytes_per_event_max": report["bytes_per_event_max"],
        "bytes_per_event_and_answer_with_tls_tcp_ip": round(inside, 1),
        "times_below_7mbit_with_tls_tcp_ip": round(_times_below(inside * looks / visitors / VISITOR_EVERY_S), 1),
    }


def figures_of_stream(report: Mapping[str, Any], seconds: float, stream_bytes: int) -> dict[str, float]:
    """Return the numbers of a pulled stream, which flows whether anybody comes or not. Raises `NoReport`.

    The looks of the box at the city never cross the line.
    """
    return _figures(report, stream_bytes, stream_bytes / seconds)


def _figures(report: Mapping[str, Any], line_bytes: float, bytes_per_s: float) -> dict[str, float]:
    tracks = report["tracks"]
    faces = sum(1 for track in tracks if track["events"])
    if not faces:
        raise NoReport("a box saw nobody in the clip, so there is nothing to compare")
    photos = report["scene_photos_sent"]
    return {
        "bytes_per_s": round(bytes_per_s, 1),
        "bytes_per_face": round(line_bytes / faces, 1),
        "times_below_7mbit": round(_times_below(bytes_per_s), 1),
        "faces": faces,
        "recognised": sum(track["outcome"] == "matched" for track in tracks),
        "events": report["face_events"],
        "photos": photos,
        "bytes_per_photo": round(report["photo_up_bytes"] / photos, 1) if photos else -1,
    }


def _times_below(bytes_per_s: float) -> float:
    return CAMERA_MBIT_PER_S * 1e6 / 8 / bytes_per_s


def carried(report: Mapping[str, Any]) -> float:
    """Return the bytes of an average event and its answer inside TLS and TCP/IP: data, answer, one bare ACK."""
    looks = max(int(report["face_events"]), 1)
    up, down = report["event_up_bytes"] / looks, report["answer_down_bytes"] / looks
    segments = math.ceil((up + _TLS_BYTES) / _SEGMENT_BYTES) + 2
    return float(up + down + 2 * _TLS_BYTES + segments * _TCP_IP_BYTES)


def run_bandwidth(folder: Path, *, quick: bool, say: Say) -> dict[str, Any]:
    """Run all three modes in the empty `folder`; return what `--json` prints. Use from the main thread.

    Raises `YingbinError` when a tier failed.
    """
    say("drawing the clip, opening the bank")
    with House(folder) as house, ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(
            walk_in_film, folder / "clip.mp4", QUICK_S if quick else FULL_S, constant_mbit_per_s=CAMERA_MBIT_PER_S
        )
        founder = Founder(house, port=0, say=lambda _: None, step=lambda _done, _total: None)
        guests = [replace(guest, elsewhere=False) for guest in guests_of_cast(load_cast())]
        banks = founder.found_branches(guests, 3, {2: "picture", 3: "video"})
        clip = drawing.result()
        say(f"playing {clip.seconds:.0f} s in all three modes")
        with PulledCamera(clip.path) as camera:
            reports = _play(house, banks, clip, camera)
            stream_bytes = camera.sent_bytes
    return _report(clip, reports, stream_bytes)


def _play(house: House, banks: list[Bank], clip: Clip, camera: PulledCamera) -> list[dict[str, Any]]:
    lines: list[list[str]] = [[], [], []]
    boxes = []
    sources = (str(clip.path), str(clip.path), camera.url)
    for number, (bank, source, heard) in enumerate(zip(banks, sources, lines, strict=True), 1):
        hosted_at = "city" if source == camera.url else "branch"
        camera_table: dict[str, object] = {"camera_id": bank.camera_id, "source": source}
        config = write_toml(
            house.folder / f"box-{number}.toml",
            {**bank.box_settings, "hosted_at": hosted_at},
            {"cameras": [camera_table]},
        )
        box = house.start(f"box-{number}", ["edge", "run", "--config", str(config), "--json"], on_line=heard.append)
        house.may_end(box)
        boxes.append(box)
    _await(house, clip.seconds + _TIMEOUT_S, camera.played.is_set)
    time.sleep(_SETTLE_S)
    boxes[2].terminate()
    _await(house, _TIMEOUT_S, lambda: all(box.exit_code is not None for box in boxes))
    return [_last(box, heard) for box, heard in zip(boxes, lines, strict=True)]


def _await(house: House, within_s: float, done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + within_s
    while not done():
        house.check()
        if time.monotonic() > deadline_s:
            raise NoReport(f"not over after {within_s:.0f} s; the logs of the boxes say more")
        time.sleep(0.05)


def _last(box: Tier, lines: list[str]) -> dict[str, Any]:
    box.wait(_TIMEOUT_S)  # and for the last line
    if not lines:
        raise box.failure("ended without a report")
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def _report(clip: Clip, reports: list[dict[str, Any]], stream_bytes: int) -> dict[str, Any]:
    feature, picture, video = reports
    visitors = sum(1 for walk_in in load_cast().entrance if walk_in.at_s < clip.seconds)
    return {
        "clip": clip.made,
        "clip_s": clip.seconds,
        "visitors": visitors,
        "modes": {
            "feature": figures_of_box(feature, visitors),
            "picture": figures_of_box(picture, visitors),
            "video": figures_of_stream(video, clip.seconds, stream_bytes),
        },
    }
