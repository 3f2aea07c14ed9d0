"""Answers for services and their operations: spans counted from the roll-ups, other signals from the notes about services."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from storage.contract import OperationSummary, ServiceSummary
from storage.sqlite.reading.rollup_range import rollup_range
from storage.sqlite.reading.search import END_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader


def services(reader: Reader, time_range: TimeRange) -> Sequence[ServiceSummary]:
    """By name; what has no service comes as the service None. Counts are to the minute."""
    parameters = {
        **asdict(rollup_range(reader, time_range)),
        "start": time_range.start or 0,
        "end": END_OF_TIME if time_range.end is None else time_range.end,
    }
    found = {row[0]: row[1:] for row in reader.rows("service_counts", parameters)}
    for name, first, last in reader.rows("services_of_signals", {"start": parameters["start"], "end": parameters["end"]}):
        spans, errors, first_span, last_span = found.get(name, (0, 0, first, last))
        found[name] = (spans, errors, min(first, first_span), max(last, last_span))
    return [ServiceSummary(name or None, *counts) for name, counts in sorted(found.items())]


def operations(reader: Reader, service: str | None, time_range: TimeRange) -> Sequence[OperationSummary]:
    """By service, name and kind."""
    parameters = {**asdict(rollup_range(reader, time_range)), "service": service}
    return [OperationSummary(row[0] or None, *row[1:]) for row in sorted(reader.rows("operation_counts", parameters))]
