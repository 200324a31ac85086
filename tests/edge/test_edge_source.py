import http.server
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from edge_builders import CountingEngine, Image, camera, write_clip

from edge.camera import CameraHooks, CameraWorker
from edge.pipeline import BoxIdentity, Pipeline
from edge.source import Frame, Source, SourceEmpty, SourceMissing, SourceStopped, SourceUnreadable, _Mailbox
from yingbin.wire import CameraState


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    noise = np.random.default_rng(1)
    images = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(50)]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", images)


def test_a_file_gives_every_frame_with_index_and_time(clip: Path) -> None:
    frames = list(Source(str(clip), pace=False).frames())
    assert [frame.index for frame in frames] == list(range(50))
    assert [round(frame.time_s, 2) for frame in frames] == [round(n * 0.04, 2) for n in range(50)]
    assert frames[0].image().shape == (120, 160, 3)
    assert frames[0].thumbnail().shape == (36, 64)


def test_in_real_time_frames_may_be_dropped_but_index_and_clock_stay_true(clip: Path) -> None:
    frames = list(Source(str(clip)).frames())
    indices = [frame.index for frame in frames]
    assert indices == sorted(set(indices))
    assert indices[-1] == 49
    first = frames[0]
    assert all(
        frame.wall_ms - first.wall_ms == pytest.approx((frame.index - first.index) * 40, abs=2) for frame in frames
    )


def test_a_looping_file_goes_on_and_time_never_goes_back(clip: Path) -> None:
    source = Source(str(clip), loop=True, pace=False)
    frames = list(itertools.islice(source.frames(), 120))
    assert [frame.index for frame in frames[48:52]] == [48, 49, 0, 1]
    times = [frame.time_s for frame in frames]
    assert times == sorted(times)
    assert len(set(times)) == 120


def test_a_photo_is_a_video_of_one_frame(tmp_path: Path, group_photo: Image) -> None:
    for suffix in (".jpg", ".png"):
        path = tmp_path / f"photo{suffix}"
        cv2.imwrite(str(path), group_photo)
        (frame,) = Source(str(path)).frames()
        assert frame.image().shape == group_photo.shape


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="does not exist"):
        Source(str(tmp_path / "none.mp4")).check()
    with pytest.raises(SourceMissing):
        list(Source(str(tmp_path / "none.mp4")).frames())


def test_a_usb_index_that_is_not_there() -> None:
    with pytest.raises(SourceMissing, match="/dev/video99"):
        list(Source("99").frames())


def test_unreadable(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("this is not a film\n" * 50)
    with pytest.raises(SourceUnreadable):
        Source(str(text)).check()
    with pytest.raises(SourceUnreadable, match="not a file"):
        Source(str(tmp_path)).check()


def test_sound_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(SourceUnreadable, match="no video"):
        Source(str(path)).check()


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(SourceEmpty, match="empty"):
        Source(str(path)).check()


def test_a_film_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "none.y4m"
    path.write_bytes(b"YUV4MPEG2 W160 H120 F25:1 Ip A1:1 C420\n")
    with pytest.raises(SourceEmpty, match="no frame"):
        Source(str(path)).check()


def test_a_file_cut_off_in_the_middle_delivers_what_it_has_and_says_so(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    frames: list[Frame] = []
    source = Source(str(path), pace=False).frames()
    with pytest.raises(SourceStopped, match=r"cut off|decoding failed"):
        frames.extend(source)
    assert 5 < len(frames) < 50


def test_a_source_that_stops_delivering_is_noticed() -> None:
    with pytest.raises(SourceStopped, match="no frame"):
        _Mailbox(newest_only=True).take(0.05)


def test_an_address_nobody_serves_is_unreadable() -> None:
    with pytest.raises(SourceUnreadable, match="cannot be opened"):
        list(Source("http://127.0.0.1:9/stream", stall_timeout_s=2).frames())


def test_closing_from_another_thread_ends_the_frames(clip: Path) -> None:
    source = Source(str(clip), loop=True)
    for number, _ in enumerate(source.frames()):
        if number == 3:
            source.close()
    assert number <= 5


@pytest.fixture
def stream_address(clip: Path, tmp_path: Path) -> Iterator[str]:
    """Serve an HTTP stream that falls silent after its first half, each time somebody connects."""
    stream = tmp_path / "clip.ts"
    with av.open(str(clip)) as source, av.open(str(stream), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    half = stream.read_bytes()[: stream.stat().st_size // 2]
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(half)
            over.wait(20)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/stream.ts"
        over.set()
        server.shutdown()


def test_a_live_stream_that_falls_silent_is_noticed(stream_address: str) -> None:
    frames: list[Frame] = []
    with pytest.raises(SourceStopped):
        frames.extend(Source(stream_address, stall_timeout_s=1).frames())
    assert frames


def test_a_live_camera_that_stopped_is_tried_again(
    stream_address: str, engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int]
) -> None:
    statuses: list[CameraState] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(stream_address, stall_timeout_s=0.5),
        Pipeline("cam-1", engine, identity, numbers, min_face_px=40, on_track_over=lambda _: None),
        CameraHooks(look=lambda _: None, status=lambda status: statuses.append(status.state)),
        drain_timeout_s=1,
    )
    worker.allow(camera())
    worker.start()
    for _ in range(100):
        if len(statuses) >= 3:
            break
        worker.join(0.1)
    worker.halt()
    worker.join(5)
    assert statuses[:3] == [CameraState.RUNNING, CameraState.STOPPED, CameraState.RUNNING]
