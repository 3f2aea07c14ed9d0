"""Forwards a store to an upstream: the store is the queue, a position in it is the progress.

Each queue is a task of its own: read the next rows, announce them, send them until they are accepted, store that, read on. The
upstream may be down for as long as the store keeps its rows; what retention removes before it was sent is counted as lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from exporter.outcomes import Backoff, Outcome
from exporter.senders import sender_to
from exporter.settings import Pace
from storage.errors import StoreClosed, StoreError
from storage.export_contract import QUEUES, SIGNAL_OF_QUEUE, ExportPosition, ExportStore
from storage.rows.to_otlp import logs_request, traces_request
from storage.rows.to_otlp_metrics import metrics_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from exporter.senders import Sender
    from exporter.settings import Upstream
    from storage.contract import Committed, LogRecord, PointRecord, SpanRecord
    from storage.export_contract import ExportBatch, Queue

Answer = TypeVar("Answer")
_logger = logging.getLogger(__name__)
_RETRIES_BETWEEN_WARNINGS = 20


class Source(ExportStore, Protocol):
    """What is asked of the store; storage.contract and storage.export_contract say the rest."""

    def listen(self) -> AsyncIterator[Committed]: ...


@dataclass(slots=True)
class Progress:
    """How an exporter does, beyond its positions in the store. Times are seconds since 1970."""

    requests: int = 0
    retries: int = 0
    refused_requests: int = 0
    last_success: float | None = None
    last_error: str | None = None
    last_error_time: float | None = None
    waiting: dict[str, float] = field(default_factory=dict)
    """Queues that wait to send again, and until when."""


class Exporter:
    """One store to one upstream. `run` goes on until it is cancelled."""

    def __init__(
        self,
        name: str,
        store: Source,
        upstream: Upstream,
        pace: Pace | None = None,
        *,
        sender: Sender | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.upstream = upstream
        self.progress = Progress()
        self._store = store
        self._pace = pace or Pace()
        self._sender = sender or sender_to(upstream)
        self._clock = clock
        self._rows = dict.fromkeys(QUEUES, self._pace.rows)
        self._news = {queue: asyncio.Event() for queue in QUEUES}

    async def run(self) -> None:
        """Sends what is there and what comes. Ends quietly when the store closes."""
        await self._store.register_exporter(self.name)
        positions = {
            position.queue: position for position in await self._store.export_positions() if position.exporter == self.name
        }
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                for queue in QUEUES:
                    tasks.create_task(self._drain(positions[queue]))
        except* StoreClosed:
            _logger.info("the exporter to %s ends with its store", self.upstream.shown)

    async def aclose(self) -> None:
        await self._sender.aclose()

    async def state(self) -> dict[str, Any]:
        """For /api/exporters: what was sent, what waits, what was lost, and the last error."""
        found = [position for position in await self._store.export_positions() if position.exporter == self.name]
        progress, now = self.progress, self._clock()
        waits = [until - now for until in progress.waiting.values() if until > now]
        pending = sum(position.pending for position in found)
        return {
            "name": self.name,
            "url": self.upstream.shown,
            "protocol": "grpc" if self.upstream.is_grpc else "http/protobuf",
            "state": "retrying" if progress.waiting else "sending" if pending else "idle",
            "next_attempt_seconds": round(min(waits), 3) if waits else None,
            "requests": progress.requests,
            "retries": progress.retries,
            "refused_requests": progress.refused_requests,
            "last_success": progress.last_success,
            "last_error": progress.last_error,
            "last_error_time": progress.last_error_time,
            "queues": {
                position.queue: {
                    "sent": position.sent,
                    "pending": position.pending,
                    "rejected": position.rejected,
                    "lost": position.lost,
                }
                for position in found
            },
        }

    async def _listen(self) -> None:
        """Wakes the queues when something was stored."""
        async with contextlib.aclosing(cast("Any", self._store.listen())) as news:
            async for committed in news:
                for queue in QUEUES:
                    if SIGNAL_OF_QUEUE[queue] == committed.signal:
                        self._news[queue].set()

    async def _drain(self, position: ExportPosition) -> None:
        position = replace(position, sent=0, rejected=0, lost=0)
        batch, body = await self._announced(position)
        while True:
            if batch is None:
                batch, body = await self._next(position.queue, position.acknowledged)
                if batch is None:
                    await self._wait_for_news(position.queue)
                    continue
                position = await self._move(replace(position, announced=batch.last))
            outcome = await self._deliver(position.queue, body) if batch.records else Outcome("accepted")
            if outcome.kind == "too_large" and len(batch.records) > 1:
                self._rows[position.queue] = len(batch.records) // 2
                batch, body = await self._next(position.queue, batch.after)
                position = await self._move(replace(position, announced=position.acknowledged if batch is None else batch.last))
                continue
            position = _counted(position, batch, outcome)
            last = batch.last
            batch, body = await self._next(position.queue, last)
            position = await self._move(replace(position, acknowledged=last, announced=last if batch is None else batch.last))

    async def _announced(self, position: ExportPosition) -> tuple[ExportBatch | None, bytes]:
        """What was about to be sent when the last run ended, in the same request."""
        if position.announced <= position.acknowledged:
            return None, b""
        batch = await self._patiently(
            lambda: self._store.export_batch(position.queue, position.acknowledged, 10**9, position.announced)
        )
        if batch is None:
            return None, b""
        return replace(batch, last=position.announced), await asyncio.to_thread(_body, batch)

    async def _next(self, queue: Queue, after: int) -> tuple[ExportBatch | None, bytes]:
        """The next rows and their request, fewer where the request would be too large."""
        rows = self._rows[queue]
        while True:
            batch = await self._patiently(partial(self._store.export_batch, queue, after, rows))
            if batch is None:
                return None, b""
            body = await asyncio.to_thread(_body, batch)
            if len(body) <= self._pace.request_bytes or rows == 1:
                return batch, body
            rows = max(min(rows, len(batch.records)) * self._pace.request_bytes // len(body), 1)

    async def _deliver(self, queue: Queue, body: bytes) -> Outcome:
        """Sends until it is accepted, refused for good, or too large."""
        backoff, signal = Backoff(self._pace), SIGNAL_OF_QUEUE[queue]
        while True:
            self.progress.requests += 1
            outcome = await self._sender.send(signal, body)
            if outcome.kind != "retry":
                break
            wait = backoff.next_wait(outcome.retry_after)
            self._note_retry(queue, outcome, wait, backoff.attempts)
            await asyncio.sleep(wait)
        self.progress.waiting.pop(queue, None)
        if outcome.kind == "accepted":
            self.progress.last_success = self._clock()
        else:
            self._note_error(outcome.message)
        if outcome.kind == "refused":
            self.progress.refused_requests += 1
            _logger.warning("%s refused a request for good: %s", self.upstream.shown, outcome.message)
        return outcome

    def _note_retry(self, queue: Queue, outcome: Outcome, wait: float, attempts: int) -> None:
        if attempts % _RETRIES_BETWEEN_WARNINGS == 1:
            _logger.warning("%s does not take %s (%s); tried again in %.1f s", self.upstream.shown, queue, outcome.message, wait)
        self.progress.retries += 1
        self.progress.waiting[queue] = self._clock() + wait
        self._note_error(outcome.message)

    def _note_error(self, message: str) -> None:
        self.progress.last_error, self.progress.last_error_time = message, self._clock()

    async def _move(self, position: ExportPosition) -> ExportPosition:
        """Stores the position; what was counted is counted once."""
        await self._patiently(lambda: self._store.move_exporter(position))
        return replace(position, sent=0, rejected=0, lost=0)

    async def _patiently(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """A store that is busy, full or slow is asked again; one that closes ends the exporter."""
        backoff = Backoff(self._pace)
        while True:
            try:
                return await call()
            except StoreClosed:
                raise
            except StoreError as error:
                self._note_error(str(error))
                await asyncio.sleep(backoff.next_wait(None))

    async def _wait_for_news(self, queue: Queue) -> None:
        event = self._news[queue]
        event.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.idle_seconds):
                await event.wait()


def _counted(position: ExportPosition, batch: ExportBatch, outcome: Outcome) -> ExportPosition:
    rows = len(batch.records)
    rejected = min(outcome.rejected, rows) if outcome.kind == "accepted" else rows
    return replace(position, sent=rows - rejected, rejected=rejected, lost=batch.missing)


def _body(batch: ExportBatch) -> bytes:
    if batch.queue == "points":
        return metrics_request(cast("Iterable[PointRecord]", batch.records)).SerializeToString()
    if batch.queue == "logs":
        return logs_request(cast("Iterable[LogRecord]", batch.records)).SerializeToString()
    return traces_request(cast("Iterable[SpanRecord]", batch.records)).SerializeToString()
