"""The steps by which retention removes rows, each a transaction of some milliseconds on the writer thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson

from storage.sqlite.facts.expiry import remove_facts
from storage.sqlite.numbers import keep_number
from storage.sqlite.statements import statement
from storage.sqlite.writing.trace_states import remove_trace, stored_states, write_states

if TYPE_CHECKING:
    import sqlite3

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
STREAMS_PER_SLICE = 200
POINTS_PER_SLICE = 5_000
REQUESTS_PER_SLICE = 5_000
# Under a size limit points go by shares of the time they cover.
SHARES = 20
LAST_NUMBERS = {"spans": "last_span", "logs": "last_log"}
SIGNALS = {"spans": "traces", "logs": "logs"}
ROLLUPS_BY_MINUTE = ("minutes", "service_minutes")
ROLLUPS_BY_HOUR = ("hours", "service_hours")


@dataclass(slots=True)
class RetentionFigures:
    """What was removed since the start."""

    spans: int = 0
    logs: int = 0
    points: int = 0
    blocks: int = 0
    pages_returned: int = 0


class Block(NamedTuple):
    """`received_time` is that of its last row; where the clock was ahead then, that of a block that came later."""

    table: str
    number: int
    first_id: int
    last_id: int
    received_time: int


def oldest_block(connection: sqlite3.Connection, table: str, now: int) -> Block | None:
    """The block that retention would remove next: the one received first."""
    found = connection.execute(statement("oldest_block"), {"table_name": table, "now": now}).fetchone()
    return None if found is None else Block(table, *found)


def remove_block(connection: sqlite3.Connection, block: Block, figures: RetentionFigures) -> None:
    connection.execute(statement("begin_writing"))
    keep_number(connection, LAST_NUMBERS[block.table], block.table)
    remove_facts(connection, block.table, block.first_id, block.last_id)
    if block.table == "spans":
        removed = _remove_spans(connection, block.first_id, block.last_id)
    else:
        connection.execute(statement("forget_log_text"), (block.first_id, block.last_id))
        removed = connection.execute(statement("delete_logs"), (block.first_id, block.last_id)).rowcount
    connection.execute(statement("count_rows"), (-removed, SIGNALS[block.table]))
    connection.execute(statement("delete_block"), (block.number,))
    connection.execute(statement("delete_block_hashes"), (block.number,))
    connection.execute(statement("commit_writing"))
    figures.blocks += 1
    if block.table == "spans":
        figures.spans += removed
    else:
        figures.logs += removed


def _remove_spans(connection: sqlite3.Connection, first: int, last: int) -> int:
    """Deletes spans and, with the last of its spans, a trace; a trace that keeps some is counted anew."""
    keys = [row[0] for row in connection.execute(statement("traces_of_spans"), (first, last))]
    keep_number(connection, "last_trace", "traces")
    removed = connection.execute(statement("delete_spans"), (first, last)).rowcount
    left = {row[0] for row in connection.execute(statement("traces_with_spans"), (orjson.dumps(keys).decode(),))}
    kept = []
    for state in stored_states(connection, "traces_by_number", keys):
        if state.key in left:
            state.stale = True
            kept.append(state)
        else:
            remove_trace(connection, state)
    write_states(connection, kept)
    return removed


def remove_log_requests(connection: sqlite3.Connection, before: int) -> bool:
    """Forgets requests received before a time (ns); True when none is left."""
    deleted = connection.execute(statement("delete_log_requests"), (before, REQUESTS_PER_SLICE)).rowcount
    return deleted < REQUESTS_PER_SLICE


def remove_rollups(connection: sqlite3.Connection, names: tuple[str, ...], before: int) -> bool:
    """Removes the oldest cells before a period, those of some dozen periods of each table; True when none is left."""
    deleted = [connection.execute(statement(f"delete_{name}"), {"before": before}).rowcount for name in names]
    return not any(deleted)


class PointExpiry:
    """Walks the metric streams and removes the points before a time, some thousand a slice."""

    def __init__(self, before: int, figures: RetentionFigures) -> None:
        self._before = before
        self._figures = figures
        self._after = 0

    def __call__(self, connection: sqlite3.Connection) -> bool:
        """True when the last stream was reached."""
        streams = [row[0] for row in connection.execute(statement("streams_after"), (self._after, STREAMS_PER_SLICE))]
        connection.execute(statement("begin_writing"))
        removed = self._remove(connection, streams)
        connection.execute(statement("count_rows"), (-removed, "metrics"))
        connection.execute(statement("commit_writing"))
        self._figures.points += removed
        return len(streams) < STREAMS_PER_SLICE and (not streams or self._after == streams[-1])

    def _remove(self, connection: sqlite3.Connection, streams: list[int]) -> int:
        removed = 0
        for stream in streams:
            room = POINTS_PER_SLICE - removed
            removed += connection.execute(statement("delete_points"), (stream, self._before, room)).rowcount
            if removed >= POINTS_PER_SLICE:
                break
            connection.execute(statement("delete_empty_stream"), (stream,))
            self._after = stream
        return removed


class Shrinking:
    """Removes what is oldest, blocks or points, until the pages in use fit into `target_bytes`."""

    def __init__(self, target_bytes: int, now: int, figures: RetentionFigures) -> None:
        self._target_bytes = target_bytes
        self._now = now
        self._figures = figures
        self._walked_to = 0
        self._oldest_point: int | None = None
        self._expiry: PointExpiry | None = None

    def __call__(self, connection: sqlite3.Connection) -> bool:
        pages, free, page_size = connection.execute(statement("size_in_pages")).fetchone()
        if (pages - free) * page_size <= self._target_bytes:
            return True
        if self._expiry is not None:
            if self._expiry(connection):
                self._expiry, self._oldest_point, self._walked_to = None, None, 0
            return False
        return False if self._walk(connection) else self._remove_oldest(connection)

    def _walk(self, connection: sqlite3.Connection) -> bool:
        """Looks for the oldest point, some hundred streams at a time; False when all have been looked at."""
        wanted = {"after": self._walked_to, "count": STREAMS_PER_SLICE}
        last, oldest = connection.execute(statement("oldest_point"), wanted).fetchone()
        if last is None:
            return False
        self._walked_to = last
        times = [time for time in (oldest, self._oldest_point) if time is not None]
        self._oldest_point = min(times, default=None)
        return True

    def _remove_oldest(self, connection: sqlite3.Connection) -> bool:
        blocks = [block for table in LAST_NUMBERS if (block := oldest_block(connection, table, self._now)) is not None]
        first = min(blocks, key=lambda block: block.received_time, default=None)
        if first is not None and (self._oldest_point is None or first.received_time <= self._oldest_point):
            remove_block(connection, first, self._figures)
            return False
        if self._oldest_point is None:
            return True
        share = max(abs(self._now - self._oldest_point) // SHARES, HOUR_NS)
        self._expiry = PointExpiry(self._oldest_point + share, self._figures)
        return False
