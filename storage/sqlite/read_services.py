"""Answers for services and their operations, counted from the roll-ups."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from storage.contract import OperationSummary, ServiceSummary
from storage.sqlite.rollup_range import rollup_range
from storage.sqlite.search import END_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader


def services(reader: Reader, time_range: TimeRange) -> Sequence[ServiceSummary]:
    """By name; spans without a service come as the service None. Counts are to the minute."""
    parameters = {
        **asdict(rollup_range(reader, time_range)),
        "start": time_range.start or 0,
        "end": END_OF_TIME if time_range.end is None else time_range.end,
    }
    return [ServiceSummary(row[0] or None, *row[1:]) for row in sorted(reader.rows("service_counts", parameters))]


def operations(reader: Reader, service: str | None, time_range: TimeRange) -> Sequence[OperationSummary]:
    """By service, name and kind."""
    parameters = {**asdict(rollup_range(reader, time_range)), "service": service}
    return [OperationSummary(row[0] or None, *row[1:]) for row in sorted(reader.rows("operation_counts", parameters))]
