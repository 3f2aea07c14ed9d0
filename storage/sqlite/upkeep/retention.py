"""Removes what is too old or too much, in slices that do not hold up ingest, and gives the space back to the disk.

Age counts from receipt, not from the time a sender wrote: a wrong clock neither keeps data for ever nor loses it at once. Spans
and logs go block by block (some thousand rows), oldest received first; metric points by their time; roll-ups have ages of
their own and stay longer than what they were made from. Under a size limit the oldest goes until the rest fits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.sqlite.facts.contents import index_contents
from storage.sqlite.facts.expiry import remove_contents, remove_usage
from storage.sqlite.statements import statement
from storage.sqlite.upkeep.expiry import (
    HOUR_NS,
    MINUTE_NS,
    ROLLUPS_BY_HOUR,
    ROLLUPS_BY_MINUTE,
    PointExpiry,
    RetentionFigures,
    Shrinking,
    oldest_block,
    remove_block,
    remove_log_requests,
    remove_rollups,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    Slice = Callable[[sqlite3.Connection], bool]

DAY_NS = 24 * HOUR_NS
# A size limit keeps this share free for the log of the current load.
SIZE_TARGET = 0.95
# Senders give up within minutes; a Collector that keeps its queue on disk may come back after a night.
LOG_REQUEST_DAYS = 1.0


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Ages in days, None for ever; `max_size_bytes` bounds the database file, None does not."""

    max_age_days: float | None = 30.0
    max_size_bytes: int | None = None
    minute_rollup_days: float | None = 14.0
    hour_rollup_days: float | None = 400.0


class Steps:
    """Slices one after the other, as one."""

    def __init__(self, steps: Iterable[Slice]) -> None:
        self._left = deque(steps)

    def __call__(self, connection: sqlite3.Connection) -> bool:
        if self._left[0](connection):
            self._left.popleft()
        return not self._left


class Retention:
    """Makes the work of one round, which the writer goes on with until it says it is finished."""

    def __init__(self, settings: RetentionSettings) -> None:
        self._settings = settings
        self.figures = RetentionFigures()

    def work(self, now: int, *, by_age: bool = True) -> Slice:
        """The round's work at the time `now` (ns); without `by_age` only what a wrong clock cannot lose."""
        return Steps(
            [
                *(self._by_age(now) if by_age else ()),
                *self._by_size(now),
                index_contents,
                self._return_pages,
                _checkpoint,
                _optimize,
            ]
        )

    def _by_age(self, now: int) -> Iterator[Slice]:
        settings, figures = self._settings, self.figures
        if settings.max_age_days is not None:
            before = now - int(settings.max_age_days * DAY_NS)
            yield lambda connection: self._expire_block(connection, "spans", now, before)
            yield lambda connection: self._expire_block(connection, "logs", now, before)
            yield PointExpiry(before, figures)
            yield lambda connection: remove_contents(connection, before)
            yield lambda connection: _expire_services(connection, before)
        remembered = now - int(min(settings.max_age_days or LOG_REQUEST_DAYS, LOG_REQUEST_DAYS) * DAY_NS)
        yield lambda connection: remove_log_requests(connection, remembered)
        if settings.minute_rollup_days is not None:
            minute = (now - int(settings.minute_rollup_days * DAY_NS)) // MINUTE_NS
            yield lambda connection: remove_rollups(connection, ROLLUPS_BY_MINUTE, minute)
        if settings.hour_rollup_days is not None:
            hour = (now - int(settings.hour_rollup_days * DAY_NS)) // HOUR_NS
            yield lambda connection: remove_rollups(connection, ROLLUPS_BY_HOUR, hour)
            yield lambda connection: remove_usage(connection, hour)

    def _by_size(self, now: int) -> Iterator[Slice]:
        if self._settings.max_size_bytes is not None:
            yield Shrinking(int(self._settings.max_size_bytes * SIZE_TARGET), now, self.figures)

    def _expire_block(self, connection: sqlite3.Connection, table: str, now: int, before: int) -> bool:
        block = oldest_block(connection, table, now)
        if block is None or block.received_time >= before:
            return True
        remove_block(connection, block, self.figures)
        return False

    def _return_pages(self, connection: sqlite3.Connection) -> bool:
        before = connection.execute(statement("size_in_pages")).fetchone()
        # The pragma frees a page a step.
        connection.execute(statement("free_pages")).fetchall()
        after = connection.execute(statement("size_in_pages")).fetchone()
        self.figures.pages_returned += before[0] - after[0]
        return bool(after[1] == 0 or after[0] == before[0])


def _expire_services(connection: sqlite3.Connection, before: int) -> bool:
    connection.execute(statement("delete_service_signals"), (before,))
    return True


def _checkpoint(connection: sqlite3.Connection) -> bool:
    """The file itself shrinks, and the log can begin anew, when all of the log has been copied into it."""
    connection.execute(statement("checkpoint")).fetchall()
    return True


def _optimize(connection: sqlite3.Connection) -> bool:
    connection.execute(statement("optimize"))
    return True
