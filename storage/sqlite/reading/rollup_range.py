"""Divides a range of time between the roll-ups: whole hours in the middle, minutes at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader

MINUTE_NS = 60_000_000_000
MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class RollupRange:
    """Minutes since 1970: [minutes_from, hours_from) and [hours_to, minutes_to) by minute, what lies between by hour."""

    minutes_from: int
    hours_from: int
    hours_to: int
    minutes_to: int


def rollup_range(reader: Reader, time_range: TimeRange, *, hours: bool = True) -> RollupRange:
    """The range to the minute, start rounded down and end up, as far as there are roll-ups; without `hours`, all by minute."""
    first, last = reader.execute(statement("span_of_minutes")).fetchone()
    if time_range.start is not None:
        first = max(first, time_range.start // MINUTE_NS)
    if time_range.end is not None:
        last = min(last, -(-time_range.end // MINUTE_NS))
    last = max(first, last)
    hours_from = -(-first // MINUTES_PER_HOUR) * MINUTES_PER_HOUR
    hours_to = last // MINUTES_PER_HOUR * MINUTES_PER_HOUR
    if not hours or hours_from >= hours_to:
        return RollupRange(first, last, last, last)
    return RollupRange(first, hours_from, hours_to, last)
