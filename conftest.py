"""For every test: what is logged is plain text. By default structlog renders each traceback with rich, in 0.5 s.

And a key store's key is derived once for each passphrase and salt, in 0.1 s: stores that are copies share it.
"""

import functools

import pytest
import structlog

from yingbin.trust import keystore

keystore.hash_secret_raw = functools.cache(keystore.hash_secret_raw)

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.set_exc_info,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole houses: a long test that comes last keeps one worker busy while the others wait."""
    items.sort(key=lambda item: item.path.parent.name not in {"e2e", "bench"})
