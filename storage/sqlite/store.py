"""The embedded engine: one SQLite file, one writer thread, a pool of readers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
import weakref
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from storage.contract import Committed, StoreStatistics
from storage.errors import StoreClosed, StoreError, StoreUnwritable
from storage.sqlite.connect import connect_reader, connect_writer
from storage.sqlite.content_counts import stored_content_counts
from storage.sqlite.faults import concerns_store, refusal
from storage.sqlite.lock import FileLock
from storage.sqlite.migrate import migrate, pending
from storage.sqlite.readers import ReadPool
from storage.sqlite.reading import exports, latency, log_counts, logs, metrics, pictures, services, spans, statistics, traces
from storage.sqlite.reading.answers import AgentAnswers
from storage.sqlite.upkeep.retention import Retention, RetentionSettings
from storage.sqlite.upkeep.schedule import Upkeep
from storage.sqlite.writing import export_positions
from storage.sqlite.writing.export_positions import watch_for_exporters
from storage.sqlite.writing.writer import Writer, WriterSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from storage.batch import Batch, Written
    from storage.contract import (
        LatencyQuery,
        LatencySummary,
        LogCount,
        LogCountQuery,
        LogQuery,
        LogRecord,
        MetricQuery,
        MetricSeries,
        MetricSummary,
        OperationSummary,
        Page,
        ServiceSummary,
        SpanQuery,
        SpanRecord,
        TimeRange,
        TraceContent,
        TraceQuery,
        TraceSummary,
    )
    from storage.export_contract import ExportBatch, ExportPosition, Queue
    from storage.facts.costs import Prices
    from storage.pictures_contract import HistogramQuery, LatencyHistogram, ServiceCalls
    from storage.sqlite.connect import Reader
    from storage.sqlite.writing.writer import Answers

Answer = TypeVar("Answer")
COMMITS_KEPT_FOR_LISTENER = 1_000


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """`query_seconds` is the deadline of a question; `upkeep_seconds` the time between two rounds of retention.

    `prices` are for the writer thread alone.
    """

    path: Path
    writer: WriterSettings = field(default_factory=WriterSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    query_seconds: float = 30.0
    query_threads: int = 4
    upkeep_seconds: float = 60.0
    prices: Prices | None = None


class SqliteStore(AgentAnswers):
    """Implements storage.contract.Store. All methods are for the event loop on which it was opened."""

    def __init__(self, settings: SqliteSettings, lock: FileLock, clock: Callable[[], int] = time.time_ns) -> None:
        self.path = settings.path
        self._settings = settings
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._closed = False
        # A listener lives as long as somebody holds its iterator.
        self._listeners: weakref.WeakSet[_Listener] = weakref.WeakSet()
        self._readers = ReadPool(settings.path, threads=settings.query_threads)
        self._retention = Retention(settings.retention)
        self._writer = Writer(
            lambda: watch_for_exporters(connect_writer(settings.path)),
            self._answered,
            self._committed,
            settings.writer,
            settings.prices,
        )
        self._upkeep = Upkeep(self._writer, self._retention, settings.upkeep_seconds, clock)

    def describe_holder(self, holder: dict[str, object]) -> None:
        """What a second daemon is told about this one."""
        self._lock.describe(holder)

    async def start(self) -> None:
        await asyncio.to_thread(self._writer.start)
        self._upkeep.start()

    async def aclose(self, within_seconds: float = 30.0) -> None:
        """Writes what was accepted, then closes; safe to call twice. Raises StoreError when the bound was met first."""
        self._closed = True
        await self._upkeep.stop()
        for listener in list(self._listeners):
            listener.close()
        stopped = await asyncio.to_thread(self._writer.stop, within_seconds)
        await self._readers.close()
        if not stopped:
            # The lock stays: the thread may still be writing, and gives up the file when this process ends.
            raise StoreError(f"the writer did not finish within {within_seconds:g} s; what was not answered may not be kept")
        self._lock.release()

    @property
    def has_time_for_facts(self) -> bool:
        """Whether facts of what is written now would be part of its commit; where not, who decodes need not look for them."""
        return self._writer.has_time_for_facts

    async def write(self, batch: Batch) -> Written:
        future: asyncio.Future[Written] = self._loop.create_future()
        self._writer.submit(batch, future)
        return await future

    def _answered(self, answers: Answers) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_deliver, answers)

    def _committed(self, news: Sequence[Committed]) -> None:
        if self._listeners:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell, news)

    def _tell(self, news: Sequence[Committed]) -> None:
        for listener in list(self._listeners):
            listener.tell(news)

    def listen(self) -> AsyncIterator[Committed]:
        listener = _Listener()
        if self._closed:
            listener.close()
        self._listeners.add(listener)
        return aiter(listener)

    async def check_ready(self) -> None:
        """Commits nothing into the database, by the way that a write takes."""
        done: asyncio.Future[None] = self._loop.create_future()

        def answer(fault: StoreError | None) -> None:
            self._answered([(done, fault)])

        self._writer.probe(answer)
        await done

    async def services(self, time_range: TimeRange) -> Sequence[ServiceSummary]:
        return await self._ask(lambda reader: services.services(reader, time_range))

    async def operations(self, service: str | None, time_range: TimeRange) -> Sequence[OperationSummary]:
        return await self._ask(lambda reader: services.operations(reader, service, time_range))

    async def find_traces(self, query: TraceQuery) -> Page[TraceSummary]:
        return await self._ask(lambda reader: traces.find_traces(reader, query))

    async def trace(self, trace_id: str) -> TraceContent | None:
        return await self._ask(lambda reader: traces.trace(reader, trace_id))

    async def trace_summaries(self, trace_ids: Sequence[str]) -> Sequence[TraceSummary]:
        return await self._ask(lambda reader: traces.trace_summaries(reader, trace_ids))

    async def find_spans(self, query: SpanQuery) -> Page[SpanRecord]:
        return await self._ask(lambda reader: spans.find_spans(reader, query))

    async def find_logs(self, query: LogQuery) -> Page[LogRecord]:
        return await self._ask(lambda reader: logs.find_logs(reader, query))

    async def logs_by_number(self, numbers: Sequence[int]) -> Sequence[LogRecord]:
        return await self._ask(lambda reader: logs.logs_by_number(reader, numbers))

    async def log_counts(self, query: LogCountQuery) -> Sequence[LogCount]:
        return await self._ask(lambda reader: log_counts.log_counts(reader, query))

    async def log_numbers(self, record_uids: Sequence[str]) -> Mapping[str, int]:
        return await self._ask(lambda reader: logs.log_numbers(reader, record_uids))

    async def last_log_number(self) -> int:
        return await self._ask(log_counts.last_log_number)

    async def metrics(self, name_contains: str | None = None, service: str | None = None) -> Sequence[MetricSummary]:
        return await self._ask(lambda reader: metrics.metrics(reader, name_contains, service))

    async def metric_series(self, query: MetricQuery) -> Sequence[MetricSeries]:
        return await self._ask(lambda reader: metrics.metric_series(reader, query))

    async def latency(self, query: LatencyQuery) -> Sequence[LatencySummary]:
        return await self._ask(lambda reader: latency.latency(reader, query))

    async def register_exporter(self, exporter: str) -> None:
        await self._run(lambda connection: export_positions.register_exporter(connection, exporter))

    async def export_positions(self) -> Sequence[ExportPosition]:
        return await self._ask(exports.export_positions)

    async def export_batch(self, queue: Queue, after: int, limit: int, up_to: int | None = None) -> ExportBatch | None:
        return await self._ask(lambda reader: exports.export_batch(reader, queue, after, limit, up_to))

    async def move_exporter(self, position: ExportPosition) -> None:
        await self._run(lambda connection: export_positions.move_exporter(connection, position))

    async def _run(self, work: Callable[[sqlite3.Connection], None]) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._writer.run(work, lambda fault: self._answered([(done, fault)]))
        await done

    async def latency_histograms(self, query: HistogramQuery) -> Sequence[LatencyHistogram]:
        return await self._ask(lambda reader: pictures.latency_histograms(reader, query))

    async def service_calls(self, time_range: TimeRange) -> Sequence[ServiceCalls]:
        return await self._ask(lambda reader: pictures.service_calls(reader, time_range))

    async def statistics(self) -> StoreStatistics:
        contents = await self._ask(statistics.contents)
        content_counts = await self._ask(stored_content_counts)
        writer = self._writer
        counters = {f"retention_{name}": value for name, value in asdict(self._retention.figures).items()}
        counters |= {
            "rows_written": writer.figures.rows,
            "duplicates": writer.figures.duplicates,
            "failed_groups": writer.figures.failed_groups,
            "facts_owed": writer.figures.facts_owed,
            "maintenance_jobs": writer.figures.jobs,
            **content_counts,
        }
        return StoreStatistics(
            **contents,
            size_bytes=_size(self.path),
            wal_bytes=_size(self.path.with_name(self.path.name + "-wal")),
            queue_rows=writer.waiting_rows,
            queue_bytes=writer.waiting_bytes,
            commits=writer.figures.commits,
            commit_seconds=writer.figures.commit_seconds,
            counters=counters,
        )

    async def _ask(self, question: Callable[[Reader], Answer]) -> Answer:
        return await self._readers.run(question, self._settings.query_seconds)


class _Listener:
    """Commits on their way to one listener; over the bound the oldest are forgotten."""

    def __init__(self) -> None:
        self._news: deque[Committed] = deque(maxlen=COMMITS_KEPT_FOR_LISTENER)
        self._arrived = asyncio.Event()
        self._closed = False

    def tell(self, news: Sequence[Committed]) -> None:
        self._news.extend(news)
        self._arrived.set()

    def close(self) -> None:
        self._closed = True
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Committed]:
        while True:
            while self._news:
                yield self._news.popleft()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()


async def open_store(settings: SqliteSettings, clock: Callable[[], int] = time.time_ns) -> SqliteStore:
    """Opens or creates the file, brings it to the present schema, and starts the writer.

    Raises StoreInUse, NotAStore, SchemaTooNew, StoreUnwritable.
    """
    try:
        settings.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(f"the folder of {settings.path} cannot be made: {error}") from error
    lock = FileLock(settings.path)
    try:
        await asyncio.to_thread(_prepare, settings.path)
        store = SqliteStore(settings, lock, clock)
        await store.start()
    except BaseException:
        lock.release()
        raise
    return store


def _prepare(path: Path) -> None:
    """Looks before it touches: another program's file, or one of a newer otlpd, stays as it is."""
    try:
        if path.exists() and path.stat().st_size:
            with contextlib.closing(connect_reader(path)) as connection:
                pending(connection)
        _bring_up_to_date(path)
    except sqlite3.Error as error:
        if concerns_store(error):
            raise refusal(error, path) from error
        raise StoreError(f"{path}: its schema could not be brought up to date and was left as it was: {error}") from error


def _bring_up_to_date(path: Path) -> None:
    with contextlib.closing(connect_writer(path)) as connection:
        migrate(connection)


def _deliver(answers: Answers) -> None:
    for future, answer in answers:
        assert isinstance(future, asyncio.Future)
        _settle(future, answer)


def _settle(future: asyncio.Future[Any], answer: object) -> None:
    """Answers whoever still waits; a sender that left is not an error."""
    if future.done():
        return
    if isinstance(answer, StoreError):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


__all__ = ["SqliteSettings", "SqliteStore", "StoreClosed", "open_store"]
