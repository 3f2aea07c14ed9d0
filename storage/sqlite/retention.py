"""Removes what is too old or too much, in slices that do not hold up ingest, and gives the space back to the disk.

Age counts from receipt, not from the time a sender wrote: a wrong clock neither keeps data for ever nor loses it at once. Spans
and logs go block by block (some thousand rows), oldest received first; metric points by their time; roll-ups have ages of
their own and stay longer than what they were made from. Under a size limit the oldest block goes until the rest fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from storage.sqlite.numbers import keep_number
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
STREAMS_PER_SLICE = 200
REQUESTS_PER_SLICE = 5_000
# A size limit keeps this share free for the log of the current load.
SIZE_TARGET = 0.95
LAST_NUMBERS = {"spans": "last_span", "logs": "last_log"}
SIGNALS = {"spans": "traces", "logs": "logs"}


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Ages in days, None for ever; `max_size_bytes` bounds the database file, None does not."""

    max_age_days: float | None = 30.0
    max_size_bytes: int | None = None
    minute_rollup_days: float | None = 14.0
    hour_rollup_days: float | None = 400.0


@dataclass(slots=True)
class RetentionFigures:
    """What was removed since the start."""

    spans: int = 0
    logs: int = 0
    points: int = 0
    blocks: int = 0
    pages_returned: int = 0


class Retention:
    """Makes the slices of one round; `slices(now)` goes to the writer, which runs each until it says it is finished."""

    def __init__(self, settings: RetentionSettings) -> None:
        self._settings = settings
        self.figures = RetentionFigures()

    def slices(self, now: int) -> list[Callable[[sqlite3.Connection], bool]]:
        """The round's work at the time `now` (ns)."""
        settings = self._settings
        work: list[Callable[[sqlite3.Connection], bool]] = []
        if settings.max_age_days is not None:
            before = now - int(settings.max_age_days * DAY_NS)
            work += [
                lambda connection: self._expire_block(connection, "spans", before),
                lambda connection: self._expire_block(connection, "logs", before),
                lambda connection: self._expire_log_requests(connection, before),
                _PointExpiry(before, self.figures),
            ]
        if settings.max_size_bytes is not None:
            work.append(self._shrink)
        work.append(lambda connection: self._expire_rollups(connection, now))
        work.append(self._return_pages)
        return work

    def _expire_block(self, connection: sqlite3.Connection, table: str, before: int) -> bool:
        oldest = connection.execute(statement("oldest_block"), (table,)).fetchone()
        if oldest is None or oldest[3] >= before:
            return True
        self._remove_block(connection, table, oldest)
        return False

    def _remove_block(self, connection: sqlite3.Connection, table: str, block: tuple[int, int, int, int]) -> None:
        number, first, last, _ = block
        connection.execute(statement("begin_writing"))
        keep_number(connection, LAST_NUMBERS[table], table)
        if table == "spans":
            removed = _remove_spans(connection, first, last)
            self.figures.spans += removed
        else:
            connection.execute(statement("forget_log_text"), (first, last))
            removed = connection.execute(statement("delete_logs"), (first, last)).rowcount
            self.figures.logs += removed
        connection.execute(statement("count_rows"), (-removed, SIGNALS[table]))
        connection.execute(statement("delete_block"), (number,))
        connection.execute(statement("delete_block_hashes"), (number,))
        connection.execute(statement("commit_writing"))
        self.figures.blocks += 1

    def _expire_log_requests(self, connection: sqlite3.Connection, before: int) -> bool:
        deleted = connection.execute(statement("delete_log_requests"), (before, REQUESTS_PER_SLICE)).rowcount
        return deleted < REQUESTS_PER_SLICE

    def _expire_rollups(self, connection: sqlite3.Connection, now: int) -> bool:
        minutes, hours = self._settings.minute_rollup_days, self._settings.hour_rollup_days
        if minutes is not None:
            before = (now - int(minutes * DAY_NS)) // MINUTE_NS
            connection.execute(statement("delete_minutes"), (before,))
            connection.execute(statement("delete_service_minutes"), (before,))
        if hours is not None:
            before = (now - int(hours * DAY_NS)) // (60 * MINUTE_NS)
            connection.execute(statement("delete_hours"), (before,))
            connection.execute(statement("delete_service_hours"), (before,))
        return True

    def _shrink(self, connection: sqlite3.Connection) -> bool:
        pages, free, page_size = connection.execute(statement("size_in_pages")).fetchone()
        limit = self._settings.max_size_bytes or 0
        if (pages - free) * page_size <= limit * SIZE_TARGET:
            return True
        candidates = [(table, connection.execute(statement("oldest_block"), (table,)).fetchone()) for table in LAST_NUMBERS]
        found = [(table, block) for table, block in candidates if block is not None]
        if not found:
            return True
        table, block = min(found, key=lambda entry: entry[1][3])
        self._remove_block(connection, table, block)
        return False

    def _return_pages(self, connection: sqlite3.Connection) -> bool:
        before = connection.execute(statement("size_in_pages")).fetchone()
        # The pragma frees a page a step.
        connection.execute(statement("free_pages")).fetchall()
        after = connection.execute(statement("size_in_pages")).fetchone()
        self.figures.pages_returned += before[0] - after[0]
        return bool(after[1] == 0 or after[0] == before[0])


def _remove_spans(connection: sqlite3.Connection, first: int, last: int) -> int:
    """Deletes spans and, with the last of its spans, a trace; a trace that keeps some is counted anew."""
    keys = [row[0] for row in connection.execute(statement("traces_of_spans"), (first, last))]
    keep_number(connection, "last_trace", "traces")
    deleted = connection.execute(statement("delete_spans"), (first, last)).rowcount
    for key in keys:
        _, _, spans, errors = connection.execute(statement("trace_after_expiry"), (key,)).fetchone()
        if spans:
            connection.execute(statement("shrink_trace"), (spans, errors, key))
        else:
            _remove_trace(connection, key)
    return deleted


def _remove_trace(connection: sqlite3.Connection, key: int) -> None:
    found = connection.execute(statement("trace_by_key"), (key,)).fetchone()
    if found is None:
        return
    for service in orjson.loads(found[1]):
        connection.execute(statement("delete_trace_service"), (service, found[0], key))
    connection.execute(statement("delete_trace"), (key,))


class _PointExpiry:
    """Walks the metric streams, some hundred a slice, and removes the points before a time."""

    def __init__(self, before: int, figures: RetentionFigures) -> None:
        self._before = before
        self._figures = figures
        self._after = 0

    def __call__(self, connection: sqlite3.Connection) -> bool:
        streams = [row[0] for row in connection.execute(statement("streams_after"), (self._after, STREAMS_PER_SLICE))]
        connection.execute(statement("begin_writing"))
        removed = 0
        for stream in streams:
            removed += connection.execute(statement("delete_points"), (stream, self._before)).rowcount
            connection.execute(statement("delete_empty_stream"), (stream,))
            self._after = stream
        connection.execute(statement("count_rows"), (-removed, "metrics"))
        self._figures.points += removed
        connection.execute(statement("commit_writing"))
        return len(streams) < STREAMS_PER_SLICE
