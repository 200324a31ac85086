"""Structured logs, one JSON object a line on stderr.

Never log vectors, images, balances, names or secrets: log ids. `_refuse_sensitive` drops the keys most likely to slip
in and `tests/test_canary.py` searches real logs for planted values.
"""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SENSITIVE = frozenset(
    {
        "vector",
        "template",
        "probe",
        "embedding",
        "image",
        "photo",
        "jpeg",
        "name",
        "surname",
        "balance",
        "token",
        "password",
        "pin",
        "passphrase",
        "key",
        "seed",
        "secret",
        "body",
    }
)


def _refuse_sensitive(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in _SENSITIVE.intersection(event):
        event[key] = "[withheld]"
    return event


def configure(process: str) -> None:
    """Set up logging for this process; every line carries `process`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _refuse_sensitive,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger; call it as `log.info("event_name", key=value)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
