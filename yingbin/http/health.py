"""What `/healthz` answers from: a check made in the background, so that an answer waits for no store."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter, to_thread

from yingbin.errors import Unavailable

_EVERY_S: Final = 0.5
_OLDEST_S: Final = 1.0
_PATIENCE_S: Final = 2.0


class Health:
    """How the last check ended. For one event loop."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._thread = CapacityLimiter(1)  # not one of those that requests wait for
        self._under_way: asyncio.Task[None] | None = None
        self._ended_s = -math.inf
        self._failure: Exception | None = None

    async def keep(self) -> None:
        """Check again and again until cancelled."""
        while True:
            await asyncio.shield(self._checking())
            await asyncio.sleep(_EVERY_S)

    @property
    def is_well(self) -> bool:
        """Whether the last check came to a good end, at most 1 s ago."""
        return self._failure is None and time.monotonic() - self._ended_s <= _OLDEST_S

    async def require(self) -> None:
        """Raise what the check has raised, at most 1 s ago; `Unavailable` when it does not come to an end."""
        if time.monotonic() - self._ended_s > _OLDEST_S:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await asyncio.shield(self._checking())
            except TimeoutError:
                raise Unavailable("what this process needs does not answer; look at its databases") from None
        if self._failure is not None:
            raise self._failure

    def _checking(self) -> "asyncio.Task[None]":
        """Return the check under way; there is one at a time."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._once())
        return self._under_way

    async def _once(self) -> None:
        try:
            await to_thread.run_sync(self._check, abandon_on_cancel=True, limiter=self._thread)
        except Exception as error:  # noqa: BLE001 - handed to whoever asks
            self._failure = error
        else:
            self._failure = None
        self._ended_s = time.monotonic()
