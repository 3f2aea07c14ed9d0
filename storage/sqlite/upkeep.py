"""The clock of maintenance: hands the writer its slices, round by round."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from storage.sqlite.retention import Retention
    from storage.sqlite.writer import Writer

# A tail that nothing was added to for so long is sealed, small as it may be, so that retention can reach it.
TAIL_AGE_NS = 3_600_000_000_000


class Upkeep:
    """Runs on the event loop; all work on the file is the writer's."""

    def __init__(self, writer: Writer, retention: Retention, every_seconds: float, clock: Callable[[], int]) -> None:
        self._writer = writer
        self._retention = retention
        self._every_seconds = every_seconds
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="upkeep")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            self.round()

    def round(self) -> None:
        """Queues one round of work."""
        now = self._clock()
        self._writer.seal_tails(now - TAIL_AGE_NS)
        for work in self._retention.slices(now):
            self._writer.add_slice(work)
        self._writer.add_slice(_optimize)


def _optimize(connection: sqlite3.Connection) -> bool:
    connection.execute(statement("optimize"))
    return True
