"""One database: engine, unit of work, and errors a person can act on. SQLite (WAL) or PostgreSQL by URL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from yingbin.errors import BadConfiguration, StorageFull, Unavailable
from yingbin.storage.sqlite_file import SqliteFile
from yingbin.storage.turns import Turns

_BUSY_TIMEOUT_MS: Final = 5000
_DISK_FULL: Final = ("disk is full", "no space left", "disk i/o error", "could not extend file", "max_page_count")


class Recorder(Protocol):
    """Writes down what a unit of work does, inside it: both are committed or neither."""

    def opened(self, session: Session) -> None:
        """Take part in a unit that begins."""

    def closing(self, session: Session) -> None:
        """Write down what it did, as its last step; what this raises undoes the unit."""


class Database:
    """A connection pool. `read()` and `write()` are the units of work; `write()` commits on leaving, or rolls back.

    `recorder`, once set, takes part in every `write()`.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except Exception as error:
            raise BadConfiguration(
                "the database URL cannot be parsed; e.g. sqlite:////var/lib/yingbin/city.db"
            ) from error
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        self._turns: Turns | None = None  # a server queues by itself
        self._file: SqliteFile | None = None
        if parsed.get_backend_name() == "sqlite":
            _tune_sqlite(self.engine)
            self._turns = Turns()
            if parsed.database:
                self._file = SqliteFile(Path(parsed.database).absolute(), self.engine)
        self.recorder: Recorder | None = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading; anything written in it is rolled back."""
        with actionable_errors(), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session; commit durably on leaving. Raises `StorageFull` or `Unavailable`: then nothing was kept."""
        with (
            actionable_errors(),
            self._turn(),
            Session(self.engine.execution_options(yingbin_write=True)) as session,
            session.begin(),
        ):
            if self.recorder is not None:
                self.recorder.opened(session)
            yield session
            if self.recorder is not None:
                self.recorder.closing(session)

    def _turn(self) -> AbstractContextManager[None]:
        return self._turns.turn(_BUSY_TIMEOUT_MS / 1000) if self._turns else nullcontext()

    def check(self) -> None:
        """Ask the database one trivial question, at constant cost. Raises `Unavailable`, also when its file is lost."""
        if self._file is not None:
            self._file.check()
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def actionable_errors() -> Iterator[None]:
    """Turn driver errors into `StorageFull` or `Unavailable`."""
    try:
        yield
    except OperationalError as error:
        raise _translate(error) from error
    except DBAPIError as error:
        if type(error.orig).__name__ == "DiskFull" or error.connection_invalidated:
            raise _translate(error) from error
        raise


def _translate(error: DBAPIError) -> Unavailable:
    cause = str(error.orig).lower()
    if type(error.orig).__name__ == "DiskFull" or any(sign in cause for sign in _DISK_FULL):
        return StorageFull("the database disk is full; free some space, nothing of this request was stored")
    return Unavailable("the database does not answer; check that it runs and can be reached")


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are opened below, not by the driver
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # an acknowledged write survives a power cut
            "foreign_keys=ON",
            "secure_delete=ON",  # erased rows leave no bytes behind (C5)
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer takes its lock at once: upgrading a read lock later can fail half-way.
        writes = connection.get_execution_options().get("yingbin_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def beside(url: str, suffix: str, *, otherwise: Path) -> Path:
    """Return a path beside a SQLite database, its name with `suffix`; beside `otherwise` when a server holds it."""
    parsed = make_url(url)
    file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else otherwise
    return file.with_name(file.name + suffix)
