"""Databases of their own for tests, on the PostgreSQL of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text

from yingbin.ids import new_id

URL = os.environ.get("YINGBIN_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


@contextmanager
def fresh_databases(*kinds: str) -> Iterator[list[str]]:
    """Make an empty database for each of `kinds`, yield their URLs, and drop them."""
    server = create_engine(make_url(URL).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    names = [f"yingbin_{kind}_{new_id().replace('-', '')}" for kind in kinds]
    with server.connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield [make_url(URL).set(database=name).render_as_string(hide_password=False) for name in names]
    finally:
        with server.connect() as connection:
            for name in names:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()
