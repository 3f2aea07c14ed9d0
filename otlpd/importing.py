"""Brings records from elsewhere into the store: translated in processes beside this one, written by the one writer.

Groups of records are committed as they come. A run that ends early, for whatever reason, is simply run again: every record has
an identity, so what is there already is counted as such and not stored twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import multiprocessing
import os
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from otlpd.parquet_files import request_of
from receiver.errors import RefusedRequest
from receiver.ingest import decode_request
from receiver.vendors.old_rows import translated
from storage.batch import Batch
from storage.rows import Kernel
from storage.rows.settings import RowSettings
from storage.sqlite.store import SqliteSettings, open_store
from storage.sqlite.upkeep.retention import RetentionSettings
from storage.sqlite.writing.writer import WriterSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from otlpd.parquet_files import Columns
    from storage.contract import Store

GROUP_RECORDS = 1_000
MOST_FAULTS_TOLD = 20


@dataclass(slots=True)
class Group:
    """What became of some records: batches ready to be written, as bytes, and the faults of those that were left out."""

    records: int
    batches: list[bytes]
    faults: list[str]
    first_time: int = 0


@dataclass(slots=True)
class Figures:
    """`stored` and `known` count rows of the store: a record may be a log record, a span and points."""

    records: int = 0
    refused: int = 0
    stored: int = 0
    known: int = 0
    first_time: int = 0
    facts_owed: bool = False
    faults: list[str] = field(default_factory=list)

    def add(self, group: Group) -> None:
        self.records += group.records
        self.refused += len(group.faults)
        self.faults += group.faults[: MOST_FAULTS_TOLD - len(self.faults)]
        if group.first_time:
            self.first_time = min(self.first_time or group.first_time, group.first_time)


Make: TypeAlias = "Callable[[Sequence[Any]], Group]"


@dataclass(frozen=True, slots=True)
class Source:
    """`total` is 0 where it is not known; `make` runs in other processes, on some records at a time."""

    records: Iterable[Any]
    make: Make
    total: int = 0
    group_records: int = GROUP_RECORDS


def rows_group(kind: str, now: int, settings: RowSettings, documents: Sequence[dict[str, Any]]) -> Group:
    """Runs in a process of its own."""
    translation, faults = translated(kind, documents, now)
    kernel = _kernel(settings)
    batches = [
        decode_request(signal, message.SerializeToString(), "protobuf", now, kernel, derive=False)
        for signal, message in translation.requests
    ]
    return Group(len(documents), [batch.dump() for batch in batches], faults, _first_time(batches))


def lines_group(now: int, settings: RowSettings, lines: Sequence[tuple[int, str, bytes]]) -> Group:
    """Lines of OTLP/JSON: their number in the file, signal and text."""
    batches: list[Batch] = []
    faults: list[str] = []
    for number, signal, text in lines:
        if not signal:
            faults.append(f"line {number}: names none of resourceSpans, resourceLogs, resourceMetrics")
            continue
        try:
            batch = decode_request(signal, text, "json", now, _kernel(settings), derive=False)
        except RefusedRequest as error:
            faults.append(f"line {number}: {error.message}")
            continue
        batches.append(batch)
        if batch.rejected:
            faults.append(f"line {number}: {batch.rejected} rejected: {'; '.join(batch.reasons)}")
    return Group(len(lines), [batch.dump() for batch in batches], faults, _first_time(batches))


def columns_group(now: int, settings: RowSettings, some: Sequence[tuple[str, Columns]]) -> Group:
    """Columns of Parquet files, those of one request at a time."""
    batches: list[Batch] = []
    faults: list[str] = []
    records = 0
    for signal, columns in some:
        rows = len(next(iter(columns.values())))
        records += rows
        try:
            batches.append(decode_request(signal, request_of(signal, columns), "protobuf", now, _kernel(settings), derive=False))
        except (ValueError, RefusedRequest) as error:
            faults += [f"one of {rows} records of {signal} is damaged, none of them is taken: {error}"] * rows
    return Group(records, [batch.dump() for batch in batches], faults, _first_time(batches))


@cache
def _kernel(settings: RowSettings) -> Kernel:
    """One a process: it remembers what it has read."""
    return Kernel(settings)


def _first_time(batches: Iterable[Batch]) -> int:
    """Of the metric points, the only records that go by their own time."""
    return min((row[1] for batch in batches if batch.signal == "metrics" for row in batch.rows), default=0)


async def import_all(
    database: Path | None, source: Source, progress: Callable[[int, int], None], settings: RowSettings | None = None
) -> Figures:
    """Raises StoreError. Without a database everything is read and translated, and nothing is opened or changed."""
    figures = Figures()
    groups = _in_groups(source.records, source.group_records)
    with ProcessPoolExecutor(_processes(), multiprocessing.get_context("spawn"), _collect_seldom) as pool:
        async with _opened(database, settings or RowSettings()) as store:
            for making in _made(pool, source.make, groups):
                group = await asyncio.wrap_future(making)
                if store is not None:
                    await _write(store, group, figures)
                figures.add(group)
                progress(figures.records, source.total or figures.records)
            if store is not None:
                figures.facts_owed = bool((await store.statistics()).counters["facts_owed"])
    return figures


@contextlib.asynccontextmanager
async def _opened(database: Path | None, settings: RowSettings) -> AsyncIterator[Store | None]:
    """Nothing is removed by age while old records come in, and what they tell of agents waits: that costs as much as the rest."""
    if database is None:
        yield None
        return
    retention = RetentionSettings(max_age_days=None, max_size_bytes=None)
    writer = WriterSettings(work_out_facts=False)
    store = await open_store(SqliteSettings(database, writer, retention, prices=settings.make_prices()))
    try:
        yield store
    finally:
        await store.aclose()


async def _write(store: Store, group: Group, figures: Figures) -> None:
    """All of a group in one commit."""
    for outcome in await asyncio.gather(*(store.write(Batch.load(batch)) for batch in group.batches)):
        figures.stored += outcome.stored
        figures.known += outcome.duplicates


def _made(pool: ProcessPoolExecutor, make: Make, groups: Iterable[Sequence[Any]]) -> Iterable[Future[Group]]:
    """In order; a few are made ahead, so that neither the processes nor the writer wait."""
    ahead: deque[Future[Group]] = deque()
    for group in groups:
        ahead.append(pool.submit(make, group))
        if len(ahead) > 2 * _processes():
            yield ahead.popleft()
    yield from ahead


def _in_groups(records: Iterable[Any], size: int) -> Iterable[list[Any]]:
    iterator = iter(records)
    while group := list(itertools.islice(iterator, size)):
        yield group


def _collect_seldom() -> None:
    """Rows are made of many small objects without cycles: to look for those takes 7 % of the time."""
    gc.set_threshold(200_000, 20, 100)


def _processes() -> int:
    return max(1, min(4, os.cpu_count() or 1))


def rows_maker(kind: str, settings: RowSettings) -> Make:
    return partial(rows_group, kind, time.time_ns(), settings)


def columns_maker(settings: RowSettings) -> Make:
    return partial(columns_group, time.time_ns(), settings)


def lines_maker(settings: RowSettings) -> Make:
    return partial(lines_group, time.time_ns(), settings)
