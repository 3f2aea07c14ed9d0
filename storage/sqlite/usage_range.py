"""Which days, hours and single facts make up a range of time.

Whole days come from the cells per day, what is left of them from the cells per hour, and the ends that fill no hour from the
facts themselves. Where an end has more facts than can be read in time, the range is widened to the hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.sqlite.facts_sums import HOUR_NS, HOURS_PER_DAY
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
        """What the statements over cells are bound to; days serve intervals of whole days only."""
        first_day = -(-self.hours_from // HOURS_PER_DAY)
        last_day = self.hours_to // HOURS_PER_DAY
        if first_day >= last_day or (interval_hours is not None and interval_hours % HOURS_PER_DAY):
            first_day = last_day = 0
        until, again = (first_day * HOURS_PER_DAY, last_day * HOURS_PER_DAY) if first_day else (self.hours_to, self.hours_to)
        return {
            "hours_from": self.hours_from,
            "hours_until": until,
            "days_from": first_day,
            "days_to": last_day,
            "hours_again": again,
            "hours_to": self.hours_to,
        }


def usage_range(reader: Reader, time_range: TimeRange) -> UsageRange:
    first, last = reader.execute(statement("usage_extent"), {"cube": "what"}).fetchone()
    start = max(time_range.start if time_range.start is not None else 0, first * HOUR_NS)
    end = min(time_range.end if time_range.end is not None else 2**63 - 1, last * HOUR_NS)
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
