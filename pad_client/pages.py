"""Entry points `yingbin.pages`: the city mounts each folder at `/<name>/`, and `shared` beside both pages."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent


def folder() -> Path:
    """Return the tablet page; `index.html` is the page."""
    return _HERE / "page"


def watch_folder() -> Path:
    """Return the page of watch-list alerts: of security, and of account managers. Nothing of it is in the tablet's."""
    return _HERE / "watch_page"


def shared_folder() -> Path:
    """Return what both pages import."""
    return _HERE / "shared"
