"""Entries that belong to no change, written in groups: a durable commit costs the same for one as for many."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from yingbin.trust.audit.record import Entry


class Batcher:
    """Entries that come while a transaction is under way share the next one. For one event loop."""

    def __init__(self, write: Callable[[Sequence[Entry]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[Sequence[Entry], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, entries: Sequence[Entry]) -> None:
        """Return once these are durable. Raises what writing them raised: then what they tell of must not happen."""
        if not entries:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: BaseException | None = None
            try:
                await self._write([entry for entries, _ in batch for entry in entries])
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                failure = error
            for _, done in batch:
                if not done.done():
                    done.set_exception(failure) if failure else done.set_result(None)
