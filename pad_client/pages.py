"""Entry point `yingbin.pages` / `pad`: the city mounts this folder at `/pad/`."""

from pathlib import Path


def folder() -> Path:
    """Return the folder of static files; `index.html` is the page."""
    return Path(__file__).parent / "page"
