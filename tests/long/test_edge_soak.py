"""Half an hour of video through the real box, as fast as it can: its memory must stay flat."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from bench.box_trial import Gallery, Showing, run_box
from bench.clips import walk_in_film
from yingbin.faces.pack import ModelPack

MINUTES = float(os.environ.get("YINGBIN_SOAK_MINUTES", "30"))
GROWTH_MB = 24.0
"""What the allocator may still gather after the first third; a leak of one thumbnail a frame would be 100 MB."""


def repeated(clip: Path, times: int, path: Path) -> Path:
    """Copy the packets of a clip again and again into one file; nothing is encoded."""
    with av.open(str(path), "w") as out:
        offset, target = 0, None
        for _ in range(times):
            with av.open(str(clip)) as container:
                source = container.streams.video[0]
                target = target or out.add_stream_from_template(source)
                last = 0
                for packet in container.demux(source):
                    if packet.dts is None or packet.pts is None:
                        continue
                    last = max(last, packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, target
                    out.mux(packet)
                offset += last
    return path


@pytest.mark.long
async def test_memory_stays_flat(tmp_path: Path) -> None:
    pack = ModelPack.load()
    film = walk_in_film(tmp_path / "film.mp4", 20.0)
    long = repeated(film.path, max(1, round(MINUTES * 60 / film.seconds)), tmp_path / "long.mp4")
    nobody = Gallery((), np.empty((0, pack.dimension), np.float32))
    run = await run_box(Showing(long, 1, 0.0), nobody, pack)
    (camera,) = run.summary["cameras"].values()
    assert camera["state"] == "ended"
    assert camera["frames"] >= MINUTES * 60 * 25 * 0.95
    assert run.summary["face_events"] > 0
    third = len(run.rss_samples_mb) // 3
    assert third >= 3
    assert max(run.rss_samples_mb[-third:]) <= max(run.rss_samples_mb[:third]) + GROWTH_MB
