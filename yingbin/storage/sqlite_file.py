"""Notices that a SQLite file was deleted or replaced while it is open; SQLite goes on with the one that has no name."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from yingbin.errors import Unavailable


class SqliteFile:
    """The file behind an engine, as the engine's first connection found it."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None
        event.listen(engine, "connect", self._connected)

    def check(self) -> None:
        """Raise `Unavailable` when what is under its name is not what was opened; what is written now would be lost."""
        if self._opened is None or self._identity() == self._opened:
            return
        raise Unavailable(
            f"the database file {self._path.name} was deleted or replaced while it was in use, and what is written now "
            "would be lost: stop this server, put the right file back (or restore a backup), and start again"
        )

    def _connected(self, *_: Any) -> None:
        if self._opened is None:
            self._opened = self._identity()

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
