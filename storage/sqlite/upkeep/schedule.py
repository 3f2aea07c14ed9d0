"""The clock of maintenance: hands the writer its slices, round by round."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.sqlite.upkeep.retention import Retention
    from storage.sqlite.writing.writer import Writer

logger = logging.getLogger(__name__)

# A tail that nothing was added to for so long is sealed, small as it may be, so that retention can reach it.
TAIL_AGE_NS = 3_600_000_000_000
# A clock that leaps ahead (further than a sleeping machine's timers may lag) has so long to be put right before data that
# looks old by it is removed.
LEAP_NS = 300_000_000_000
TRUST_AFTER_NS = 3_600_000_000_000


class Upkeep:
    """Runs on the event loop; all work on the file is the writer's."""

    def __init__(
        self,
        writer: Writer,
        retention: Retention,
        every_seconds: float,
        clock: Callable[[], int],
        steady_clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._writer = writer
        self._retention = retention
        self._every_seconds = every_seconds
        self._clock = clock
        self._steady_clock = steady_clock
        self._last = (clock(), steady_clock())
        self._doubt_until: int | None = None
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
        """Queues one round of work, unless the last one is still under way."""
        now = self._clock()
        by_age = self._clock_is_trusted(now)
        if not self._writer.idle:
            return
        self._writer.seal_tails(now - TAIL_AGE_NS)
        self._writer.add_slice(self._retention.work(now, by_age=by_age))

    def _clock_is_trusted(self, now: int) -> bool:
        """Not for an hour after a leap ahead; a leap back, or an hour without another, restores the trust."""
        steady = self._steady_clock()
        leap = (now - self._last[0]) - (steady - self._last[1])
        self._last = (now, steady)
        if leap > LEAP_NS:
            logger.warning("the clock leapt ahead by %d s; nothing is removed by age for an hour", leap // 10**9)
            self._doubt_until = steady + TRUST_AFTER_NS
        elif leap < -LEAP_NS or (self._doubt_until is not None and steady >= self._doubt_until):
            self._doubt_until = None
        return self._doubt_until is None
