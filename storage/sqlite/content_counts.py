"""How many values of content were cut, removed and masked before they were stored, by the day of their receipt.

Kept in the table meta, as part of the commit that brings the rows: `content_removed 2026-03-01`. Nothing is written where
nothing was taken out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from storage.batch import Batch
    from storage.contract import TimeRange

WHAT_WAS_DONE = ("content_cut", "content_removed", "content_masked")


def count_content(connection: sqlite3.Connection, batches: Iterable[Batch]) -> None:
    """Inside the transaction that brings the batches."""
    for batch in batches:
        if any(batch.content_counts):
            day = datetime.fromtimestamp(batch.received_time / 1e9, UTC).date().isoformat()
            for name, count in zip(WHAT_WAS_DONE, batch.content_counts, strict=True):
                if count:
                    connection.execute(statement("count_content"), (f"{name} {day}", count))


def stored_content_counts(connection: sqlite3.Connection, time_range: TimeRange | None = None) -> dict[str, int]:
    """The sums of the days that `time_range` touches, or of all."""
    first, last = ("", "~") if time_range is None else (_day(time_range.start, ""), _day(time_range.end, "~"))
    return {
        name: connection.execute(statement("content_counts"), (f"{name} {first}", f"{name} {last}")).fetchone()[0]
        for name in WHAT_WAS_DONE
    }


def _day(time: int | None, otherwise: str) -> str:
    return otherwise if time is None else datetime.fromtimestamp(time / 1e9, UTC).date().isoformat()
