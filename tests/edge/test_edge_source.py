import contextlib
import http.server
import itertools
import threading
import time
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
from yingbin.wire import CameraState, CameraStatus


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


def test_a_folder_of_images_plays_in_the_order_of_names(tmp_path: Path) -> None:
    for number in range(12):
        cv2.imwrite(
            str(tmp_path / f"{number:03d}.{'png' if number % 2 else 'jpg'}"),
            np.full((80, 100, 3), number * 20, np.uint8),
        )
    (tmp_path / "notes.txt").write_text("not an image")
    frames = list(Source(str(tmp_path), pace=False, images_per_s=10).frames())
    assert [round(float(frame.thumbnail().mean()) / 20) for frame in frames] == list(range(12))
    assert [frame.index for frame in frames] == list(range(12))
    assert [round(frame.time_s, 3) for frame in frames] == [round(n / 10, 3) for n in range(12)]


def test_a_folder_without_images_or_with_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(SourceEmpty, match="holds no image"):
        Source(str(tmp_path)).check()
    (tmp_path / "a.jpg").write_bytes(b"broken")
    with pytest.raises(SourceUnreadable, match=r"a\.jpg"):
        Source(str(tmp_path)).check()


@pytest.fixture
def clip_with_b_frames(tmp_path: Path) -> Path:
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "bframes=2:b-adapt=0:b-pyramid=none"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(50):
            image = np.zeros((120, 160, 3), np.uint8)
            image[:, number * 3 : number * 3 + 10] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def test_reference_frames_alone_keep_their_true_index_and_time(clip_with_b_frames: Path) -> None:
    whole = list(Source(str(clip_with_b_frames), pace=False).frames())
    frames = list(Source(str(clip_with_b_frames), pace=False, decode="reference").frames())
    assert len(whole) == 50
    assert 10 < len(frames) < 30
    by_index = {frame.index: frame for frame in whole}
    for frame in frames:
        assert frame.time_s == pytest.approx(by_index[frame.index].time_s)
        assert np.array_equal(frame.thumbnail(), by_index[frame.index].thumbnail())


def test_brightness_needs_no_conversion_of_the_whole_picture_and_is_the_same(clip: Path) -> None:
    for frame in itertools.islice(Source(str(clip), pace=False).frames(), 3):
        grey = frame.picture.to_ndarray(format="gray")
        expected = cv2.resize(grey, (64, 36), interpolation=cv2.INTER_AREA)
        assert np.abs(frame.thumbnail().astype(int) - expected).max() <= 2


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_both_codecs_are_read(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(10):
            image = np.full((120, 160, 3), number * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    assert len(list(Source(str(path), pace=False).frames())) == 10


def test_a_file_damaged_in_the_middle_loses_a_few_frames_only(clip: Path, tmp_path: Path) -> None:
    raw = bytearray(clip.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 3000] = np.random.default_rng(2).bytes(3000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(raw)
    frames = list(Source(str(path), pace=False).frames())
    assert 30 <= len(frames) <= 50
    assert frames[-1].time_s > 1.8


def test_a_password_in_an_address_is_never_shown() -> None:
    source = Source("rtsp://admin:hunter2@127.0.0.1:9/live", open_timeout_s=2, stall_timeout_s=2)
    with pytest.raises(SourceUnreadable) as caught:
        list(source.frames())
    assert "hunter2" not in caught.value.message
    assert source.shown == "rtsp://127.0.0.1:9/live"


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


@pytest.fixture
def mjpeg_address() -> Iterator[str]:
    """Serve a camera's multipart stream: at /moving twelve JPEGs, then its end; at /still one and the same for ever."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):
                for shade in range(0, 240, 20) if self.path == "/moving" else itertools.repeat(120):
                    jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), shade, np.uint8))[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_mjpeg_over_http_is_timed_by_its_arrival(mjpeg_address: str) -> None:
    frames: list[Frame] = []
    began_s = time.monotonic()
    with pytest.raises(SourceStopped):
        frames.extend(Source(f"{mjpeg_address}/moving", stall_timeout_s=5).frames())
    spent_s = time.monotonic() - began_s
    shades = [round(float(frame.thumbnail().mean()) / 20) for frame in frames]
    assert shades == sorted(set(shades))
    assert len(frames) >= 5
    span_s = frames[-1].time_s - frames[0].time_s
    assert 0.09 * (shades[-1] - shades[0]) - 0.3 <= span_s <= spent_s  # at 25 a second it would be 0.04 a frame


def test_a_frozen_camera_is_reported_once(
    mjpeg_address: str, engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int]
) -> None:
    told: list[CameraStatus] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(f"{mjpeg_address}/still"),
        Pipeline("cam-1", engine, identity, numbers, min_face_px=40, on_track_over=lambda _: None),
        CameraHooks(look=lambda _: None, status=told.append),
        drain_timeout_s=1,
        frozen_after_s=1,
    )
    worker.allow(camera())
    worker.start()
    for _ in range(200):
        if len(told) >= 2:
            break
        worker.join(0.1)
    worker.join(1.5)
    worker.halt()
    worker.join(5)
    assert [status.state for status in told] == [CameraState.RUNNING, CameraState.FROZEN]
    assert "restart the camera" in told[1].detail


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_wall_clock_that_jumps_by_an_hour_changes_no_time_of_a_frame(
    clip: Path, jump_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[Frame] = []
    true_time, true_ns = time.time, time.time_ns
    for frame in Source(str(clip)).frames():
        frames.append(frame)
        if frame.index >= 20:
            monkeypatch.setattr(time, "time", lambda: true_time() + jump_s)
            monkeypatch.setattr(time, "time_ns", lambda: true_ns() + jump_s * 10**9)
    assert frames[-1].index == 49
    for before, after in itertools.pairwise(frames):
        assert after.wall_ms - before.wall_ms == pytest.approx((after.time_s - before.time_s) * 1000, abs=2)
        assert after.time_s - before.time_s == pytest.approx((after.index - before.index) * 0.04, abs=0.002)


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
