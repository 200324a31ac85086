import itertools
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from edge_builders import Image

from edge.frame import Frame
from edge.mailbox import Mailbox
from edge.source import Source
from edge.source_errors import SourceEmpty, SourceMissing, SourceStopped, SourceUnreadable


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
    source = Source(str(path), pace=False)
    frames = list(source.frames())
    assert source.damaged > 0
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
        Mailbox(newest_only=True).take(0.05)


def test_an_address_nobody_serves_is_unreadable() -> None:
    with pytest.raises(SourceUnreadable, match="cannot be opened"):
        list(Source("http://127.0.0.1:9/stream", stall_timeout_s=2).frames())


def test_closing_from_another_thread_ends_the_frames(clip: Path) -> None:
    source = Source(str(clip), loop=True)
    for number, _ in enumerate(source.frames()):
        if number == 3:
            source.close()
    assert number <= 5


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
