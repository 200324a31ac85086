"""Looks at the video before anything is started, so that a wrong path is one clear line and not a dead camera later."""

from pathlib import Path

import av

from yingbin.errors import InvalidInput


class VideoUnusable(InvalidInput):
    """The video is missing, empty or no video."""

    code = "video_unusable"


def check_video(source: str) -> str:
    """Return the source for the camera box; for a file, its absolute path after decoding one frame.

    Addresses and USB indexes are left to the box, which waits for them. Raises `VideoUnusable`.
    """
    if "://" in source or source.isdigit() or source.startswith("/dev/"):
        return source
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        raise VideoUnusable(f"--video {source}: there is no such file; give a file, an rtsp:// address or a USB index")
    if path.stat().st_size == 0:
        raise VideoUnusable(f"--video {source}: the file is empty")
    try:
        with av.open(str(path)) as container:
            if next(container.decode(video=0), None) is None:
                raise VideoUnusable(f"--video {source}: the file holds no picture")
    except (av.FFmpegError, IndexError) as error:
        raise VideoUnusable(f"--video {source}: not a video that can be decoded ({type(error).__name__})") from error
    return str(path)


def is_file(source: str) -> bool:
    """Whether a checked source has an end."""
    return not ("://" in source or source.isdigit() or source.startswith("/dev/"))
