"""Folders of people: both layouts, every second person elsewhere, and what cannot be used."""

from pathlib import Path

import pytest

from demo.guests import NobodyToEnrol, guests_of_folder
from demo.show import choose_play
from demo.video import VideoUnusable, check_video, is_file
from yingbin.errors import InvalidInput


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"photo")


def test_subfolders_and_numbered_photos(tmp_path: Path) -> None:
    for name in ("bo/1.jpg", "bo/2.PNG", "bo/notes.txt", "ada_1.png", "ada_2.png", "cy.jpg", "empty/readme.md"):
        _touch(tmp_path / name)
    guests = guests_of_folder(tmp_path)
    assert [(guest.person, guest.elsewhere, len(guest.photos)) for guest in guests] == [
        ("ada", False, 2),
        ("bo", True, 2),
        ("cy", False, 1),
    ]
    assert len({guest.customer.full_name for guest in guests}) == 3


def test_records_repeat_when_there_are_more_people(tmp_path: Path) -> None:
    for index in range(20):
        _touch(tmp_path / f"p{index:02d}" / "1.jpg")
    assert len(guests_of_folder(tmp_path)) == 20


def test_missing_or_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(NobodyToEnrol, match="no such folder"):
        guests_of_folder(tmp_path / "nowhere")
    with pytest.raises(NobodyToEnrol, match="no photos"):
        guests_of_folder(tmp_path)


@pytest.mark.parametrize("source", ["rtsp://camera/1", "0", "/dev/video0"])
def test_live_sources_are_left_to_the_box(source: str) -> None:
    assert check_video(source) == source
    assert not is_file(source)


def test_videos_that_cannot_be_used(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("not a video")
    for source, why in ((tmp_path / "none.mp4", "no such file"), (empty, "empty"), (text, "not a video")):
        with pytest.raises(VideoUnusable, match=why):
            check_video(str(source))


def test_video_and_enrol_belong_together(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="belong together"):
        choose_play("0", None)
    with pytest.raises(InvalidInput, match="belong together"):
        choose_play(None, tmp_path)
