"""What the events of Cylestio's clients say of each agent: how many, of which types, from when to when, how long models took.

Counting goes through every event, which takes a second for 50,000; so what was counted is kept, and a question counts only what
was stored since. Where that takes longer than a question may wait it goes on behind it, and the answer is None until it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from query.legacy.events import AGENT, CYLESTIO, MODEL, RESPONSES
from storage.contract import LogCountQuery
from storage.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.contract import LogCount, Store

CHANNEL = "cylestio_mini.channel"
RECORDS_AT_ONCE = 20_000
WAIT_SECONDS = 2.0
_MOST_GROUPS = 100_000
_MOST_WAITING = 8
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class AgentEvents:
    """`types` and `channels` are counts; times are nanoseconds; `model` is the one named last."""

    count: int = 0
    first_time: int = 2**63 - 1
    last_time: int = 0
    first_type: str = ""
    last_type: str = ""
    types: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    model: str | None = None
    model_time: int = -1
    responses: int = 0
    response_ms: float = 0.0

    def add(self, found: LogCount) -> None:
        _, event, channel = found.group
        name = (event or "UNKNOWN").removeprefix("cylestio.")
        self.count += found.count
        self.types[name] += found.count
        self.channels[channel or "UNKNOWN"] += found.count
        if found.first_time < self.first_time:
            self.first_time, self.first_type = found.first_time, name
        if found.last_time >= self.last_time:
            self.last_time, self.last_type = found.last_time, name
        if event in RESPONSES:
            self.responses += len(found.values)
            self.response_ms += sum(found.values)

    def add_model(self, found: LogCount) -> None:
        if found.group[1] and found.last_time > self.model_time:
            self.model, self.model_time = found.group[1], found.last_time

    @property
    def mean_response_ms(self) -> float:
        return self.response_ms / self.responses if self.responses else 0.0


class EventCounts:
    """Of one store. What retention removes is no longer counted: then all is counted anew."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._agents: dict[str, AgentEvents] = {}
        self._counted = 0
        self._removed = 0
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def by_agent(self, wait_seconds: float = WAIT_SECONDS) -> Mapping[str, AgentEvents] | None:
        """None while there is more to count than can be waited for."""
        if self._turn.locked() and len(self._tasks) >= _MOST_WAITING:
            return None
        # One of its own: one that runs already may have begun before what this question must see.
        task = asyncio.create_task(self._catch_up())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait([task], timeout=wait_seconds)
        return self._agents if done and not task.cancelled() and task.exception() is None else None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            level = logging.WARNING if isinstance(error, StoreError) else logging.ERROR
            _log.log(level, "the events of agents were not counted: %s", error)

    async def close(self, _: web.Application) -> None:
        for task in list(self._tasks):
            task.cancel()

    async def _catch_up(self) -> None:
        async with self._turn:
            removed = (await self._store.statistics()).counters.get("retention_logs", 0)
            if removed != self._removed:
                self._agents, self._counted, self._removed = {}, 0, removed
            last = await self._store.last_log_number()
            while self._counted < last:
                upto = min(last, self._counted + RECORDS_AT_ONCE)
                await self._count(self._counted, upto)
                self._counted = upto

    async def _count(self, after: int, upto: int) -> None:
        bounds = LogCountQuery(scopes=CYLESTIO, after_id=after, last_id=upto, limit=_MOST_GROUPS)
        groups = await self._store.log_counts(_grouped(bounds, (AGENT, "event", CHANNEL), "duration_ms"))
        models = await self._store.log_counts(_grouped(bounds, (AGENT, MODEL))) if groups else ()
        for found in groups:
            self._agents.setdefault(found.group[0] or "unknown-agent", AgentEvents()).add(found)
        for found in models:
            self._agents.setdefault(found.group[0] or "unknown-agent", AgentEvents()).add_model(found)


def _grouped(bounds: LogCountQuery, group_by: tuple[str, ...], values_of: str | None = None) -> LogCountQuery:
    return LogCountQuery(
        scopes=bounds.scopes,
        after_id=bounds.after_id,
        last_id=bounds.last_id,
        limit=bounds.limit,
        group_by=group_by,
        values_of=values_of,
    )


NO_EVENTS = AgentEvents()
EVENT_COUNTS = web.AppKey("event_counts", EventCounts)
