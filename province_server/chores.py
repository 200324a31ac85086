"""What happens here without anybody asking: each chore again and again, whatever became of it the last time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from yingbin.log import get_logger

log = get_logger()


@dataclass(frozen=True, slots=True)
class Chore:
    """`job` runs at the start and then `every_s` seconds after it ended. It must be safe to repeat."""

    name: str
    every_s: float
    job: Callable[[], object]


async def run(chores: Sequence[Chore]) -> None:
    """Run chores side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(_repeat(chore), name=chore.name)


async def _repeat(chore: Chore) -> None:
    while True:
        try:
            await run_in_threadpool(chore.job)
        except Exception:  # one failure must not end the chore for ever; the log has it
            log.exception("chore_failed", chore=chore.name)
        await asyncio.sleep(chore.every_s)
