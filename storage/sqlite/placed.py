"""What the writers of spans, logs and points hand to the facts: a batch with the numbers that it was given in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.batch import LOG_COLUMNS, Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Row

_TRACE_ID = LOG_COLUMNS.index("trace_id")


@dataclass(slots=True)
class PlacedSpans:
    """One batch with the stored numbers of what it refers to, and the numbers its rows were given.

    `repeats`: some of its spans were there already, so the numbers do not hold for all. `largest_trace`: how many spans one of
    its traces has now.
    """

    batch: Batch
    trace_keys: list[int]
    resource_ids: list[int]
    scope_ids: list[int]
    first_id: int
    repeats: bool = False
    largest_trace: int = 0

    def numbers(self) -> Sequence[int]:
        """The numbers of the rows, in order."""
        return range(self.first_id, self.first_id + len(self.batch.rows))

    def rows(self) -> list[Row]:
        """The rows as they are inserted: the number, then SPAN_COLUMNS without the trace id."""
        traces, resources, scopes = self.trace_keys, self.resource_ids, self.scope_ids
        return [
            (number, traces[row[0]], resources[row[1]], scopes[row[2]], *row[4:])
            for number, row in enumerate(self.batch.rows, self.first_id)
        ]


@dataclass(frozen=True, slots=True)
class PlacedLogs:
    """A batch whose records were numbered from `first_id`; those of the numbers `missing` were there already."""

    batch: Batch
    first_id: int
    resource_ids: list[int]
    missing: frozenset[int]

    def numbers(self) -> Sequence[int]:
        """The numbers of the records, in order."""
        return range(self.first_id, self.first_id + len(self.batch.rows))

    def trace_ids(self) -> set[str]:
        return {row[_TRACE_ID] for row in self.batch.rows if row[_TRACE_ID] is not None}


@dataclass(frozen=True, slots=True)
class PlacedPoints:
    """A batch and the numbers of its streams."""

    batch: Batch
    stream_ids: list[int]
