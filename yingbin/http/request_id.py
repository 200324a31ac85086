"""The id of the request being served: in its answer's header, in its problem body and in what is written of it."""

from contextvars import ContextVar
from typing import Final

current: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Empty outside a request."""
