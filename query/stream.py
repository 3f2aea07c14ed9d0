"""/api/stream: what was just stored, to everyone who watches, as server-sent events.

One task listens to the store for all watchers, so that the cost does not grow with them: it gathers commits for half a
second, asks the store once for what they brought, and gives every watcher the same finished events. A watcher who reads too
slowly loses the oldest events and is told how many; so is everyone when more arrives than the stream carries.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from query import shapes
from query.faults import TooManyQuestions
from storage.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from query.question import Question
    from storage.contract import Committed, Store

GATHER_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
# Carried per gathering, the last of each: some milliseconds of reading, whatever arrives.
MOST_TRACES = 500
MOST_LOGS = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """`services` are those it belongs to; None for what concerns every watcher."""

    signal: str
    services: tuple[str | None, ...] | None
    text: bytes


@dataclass(eq=False)
class Watcher:
    """One client's queue, at most `limit` events long."""

    service: str | None
    signals: frozenset[str]
    limit: int
    events: deque[bytes] = field(default_factory=deque)
    dropped: int = 0
    closed: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, event: Event) -> None:
        if event.signal not in self.signals:
            return
        if self.service is not None and event.services is not None and self.service not in event.services:
            return
        if len(self.events) >= self.limit:
            self.events.popleft()
            self.dropped += 1
        self.events.append(event.text)
        self.wake.set()

    def take(self) -> bytes:
        """Everything that waits, as one text."""
        self.wake.clear()
        parts = list(self.events)
        self.events.clear()
        if self.dropped:
            parts.insert(0, _event_text("dropped", {"events": self.dropped}))
            self.dropped = 0
        return b"".join(parts)

    def close(self) -> None:
        self.closed = True
        self.wake.set()


@dataclass(slots=True)
class _Gathered:
    trace_ids: dict[str, None] = field(default_factory=dict)
    first_log_id: int = 0
    last_log_id: int = 0

    def add(self, commit: Committed) -> None:
        self.trace_ids.update(dict.fromkeys(commit.trace_ids))
        if commit.last_log_id:
            self.first_log_id = min(self.first_log_id or commit.first_log_id, commit.first_log_id)
            self.last_log_id = max(self.last_log_id, commit.last_log_id)

    def __bool__(self) -> bool:
        return bool(self.trace_ids or self.last_log_id)


class Broadcast:
    """Listens to the store while there are watchers, and not otherwise."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    async def join(self, watcher: Watcher) -> None:
        """The watcher hears of every commit from the return on."""
        self._watchers.add(watcher)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="broadcast of commits")
            await asyncio.sleep(0)  # lets the task begin to listen

    async def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers:
            await self._stop()

    async def close(self, _app: web.Application) -> None:
        for watcher in self._watchers:
            watcher.close()
        await self._stop()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        """Ends with the store, or at a fault; watchers are then sent away, and come back to the next process."""
        gathered = _Gathered()
        ready = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                publisher = group.create_task(self._publish(gathered, ready), name="broadcast of events")
                async for commit in self._store.listen():
                    gathered.add(commit)
                    ready.set()
                publisher.cancel()
        except* StoreError as faults:
            _log.warning("the live stream ends: %s", faults.exceptions[0])
        except* Exception:  # noqa: BLE001  a defect must not leave watchers waiting for ever
            _log.exception("the live stream failed")
        finally:
            for watcher in self._watchers:
                watcher.close()

    async def _publish(self, gathered: _Gathered, ready: asyncio.Event) -> None:
        while True:
            await ready.wait()
            await asyncio.sleep(GATHER_SECONDS)
            ready.clear()
            now, gathered.trace_ids, first, last = gathered.trace_ids, {}, gathered.first_log_id, gathered.last_log_id
            gathered.first_log_id = gathered.last_log_id = 0
            try:
                for event in [*await self._trace_events(now), *await self._log_events(first, last)]:
                    for watcher in self._watchers:
                        watcher.offer(event)
            except StoreError as error:
                _log.warning("the live stream lost %d traces and the logs of one moment: %s", len(now), error)

    async def _trace_events(self, wanted: dict[str, None]) -> list[Event]:
        if not self._watched("traces") or not wanted:
            return []
        found = await self._store.trace_summaries(list(wanted)[-MOST_TRACES:])
        events = [Event("traces", one.services, _event_text("trace", shapes.trace_summary(one))) for one in found]
        return [*_dropped("traces", len(wanted) - MOST_TRACES), *events]

    async def _log_events(self, first: int, last: int) -> list[Event]:
        if not self._watched("logs") or not last:
            return []
        records = await self._store.logs_by_number(range(max(first, last - MOST_LOGS + 1), last + 1))
        shared = shapes.Shared()
        events = [
            Event("logs", (record.resource.service_name,), _event_text("log", shapes.log(record, shared))) for record in records
        ]
        return [*_dropped("logs", last - first + 1 - MOST_LOGS), *events]

    def _watched(self, signal: str) -> bool:
        return any(signal in watcher.signals for watcher in self._watchers)


def _dropped(signal: str, number: int) -> Iterable[Event]:
    return [Event(signal, None, _event_text("dropped", {signal: number}))] if number > 0 else []


def _event_text(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


BROADCAST = web.AppKey("broadcast", Broadcast)


async def stream(question: Question) -> web.StreamResponse:
    broadcast, limits = question.request.app[BROADCAST], question.context.limits
    if broadcast.watchers >= limits.streams:
        raise TooManyQuestions("streams", limits.streams)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    if question.request.method == "HEAD":
        return response
    watcher = Watcher(question.values["service"], frozenset(question.values["signals"]), limits.stream_events)
    try:
        await broadcast.join(watcher)
        await response.prepare(question.request)
        await response.write(b"retry: 3000\n: connected\n\n")
        await _send(response, watcher)
    except ConnectionResetError:
        pass  # the client left
    finally:
        await broadcast.leave(watcher)
    return response


async def _send(response: web.StreamResponse, watcher: Watcher) -> None:
    while not watcher.closed:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await watcher.wake.wait()
        except TimeoutError:
            await response.write(b": heartbeat\n\n")
        else:
            await response.write(watcher.take())
