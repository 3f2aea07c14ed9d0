"""Which months, days, hours and single facts make up a range of time.

Whole months of 32 days come from their cells, what is left of them from those of days and then of hours, and the ends that
fill no hour from the facts themselves. Where an end has more facts than can be read in time, the range is widened to the hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.sqlite.facts.sums import HOUR_NS, HOURS_PER_DAY, HOURS_PER_MONTH
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader

# About 50 ms.
FACTS_READ: Final = 8_000


@dataclass(frozen=True, slots=True)
class UsageRange:
    """Half-open: `hours_from` to `hours_to` hours since 1970 from cells, and `edges` in ns from facts."""

    hours_from: int
    hours_to: int
    edges: tuple[tuple[int, int], ...]

    def parameters(self, interval_hours: int | None) -> dict[str, Any]:
        """What the statements over cells are bound to; an interval is answered from cells that fit into it."""
        by_day = interval_hours is None or interval_hours % HOURS_PER_DAY == 0
        first_day, last_day = _inside(self.hours_from, self.hours_to, HOURS_PER_DAY) if by_day else (self.hours_to,) * 2
        months = _inside(first_day, last_day, HOURS_PER_MONTH) if interval_hours is None else (last_day, last_day)
        return {
            "months_from": months[0] // HOURS_PER_MONTH,
            "months_to": months[1] // HOURS_PER_MONTH if months[0] < months[1] else 0,
            "days_from": first_day // HOURS_PER_DAY,
            "days_until": months[0] // HOURS_PER_DAY if by_day else 0,
            "days_again": months[1] // HOURS_PER_DAY,
            "days_to": last_day // HOURS_PER_DAY if by_day else 0,
            "hours_from": self.hours_from,
            "hours_until": first_day,
            "hours_again": last_day,
            "hours_to": self.hours_to,
        }


def _inside(first: int, last: int, length: int) -> tuple[int, int]:
    """The whole periods within; where there is none, twice the end."""
    start, end = -(-first // length) * length, last // length * length
    return (start, end) if start < end else (last, last)


def usage_range(reader: Reader, time_range: TimeRange) -> UsageRange:
    first, last = reader.execute(statement("usage_extent")).fetchone()
    # An open end takes in whole months.
    open_from, open_to = first // HOURS_PER_MONTH * HOURS_PER_MONTH, -(-last // HOURS_PER_MONTH) * HOURS_PER_MONTH
    start = max(time_range.start or 0, open_from * HOUR_NS)
    end = min(2**63 - 1 if time_range.end is None else time_range.end, open_to * HOUR_NS)
    if start >= end:
        return UsageRange(0, 0, ())
    hours_from, hours_to = -(-start // HOUR_NS), end // HOUR_NS
    if hours_from > hours_to:
        edges = [(start, end)]
        hours_from = hours_to
    else:
        edges = [(start, hours_from * HOUR_NS), (hours_to * HOUR_NS, end)]
    edges = [edge for edge in edges if edge[0] < edge[1]]
    counts = dict(reader.rows("hour_counts", {"hours": orjson.dumps([edge[0] // HOUR_NS for edge in edges]).decode()}))
    kept = []
    for edge in edges:
        hour = edge[0] // HOUR_NS
        if counts.get(hour, 0) <= FACTS_READ:
            kept.append(edge)
        else:
            hours_from, hours_to = min(hours_from, hour), max(hours_to, hour + 1)
    return UsageRange(hours_from, hours_to, tuple(kept))
