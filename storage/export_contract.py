"""The part of the store's contract that exporters need: what is still to be sent, and how far they have come.

An exporter begins behind what is there when it is first registered, and then goes through four queues: spans and log records by
their numbers, points as they arrived, and changes: spans that were told again. What it is about to send it announces first, so
that after a crash the same rows are sent again in the same request, which the receiver recognises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import LogRecord, PointRecord, Signal, SpanRecord

Queue = Literal["spans", "changes", "logs", "points"]
QUEUES: tuple[Queue, ...] = ("spans", "changes", "logs", "points")
SIGNAL_OF_QUEUE: dict[Queue, Signal] = {"spans": "traces", "changes": "traces", "logs": "logs", "points": "metrics"}


@dataclass(frozen=True, slots=True)
class ExportPosition:
    """`pending` numbers follow `acknowledged`; some of them may have no row. `sent`, `rejected` and `lost` count rows."""

    exporter: str
    queue: Queue
    acknowledged: int
    announced: int
    sent: int
    rejected: int
    lost: int
    pending: int = 0


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """What lies behind `after` and up to `last`; `missing` rows were removed before they could be read."""

    queue: Queue
    after: int
    last: int
    records: Sequence[SpanRecord] | Sequence[LogRecord] | Sequence[PointRecord]
    missing: int = 0


class ExportStore(Protocol):
    async def register_exporter(self, exporter: str) -> None:
        """Makes the exporter known; one that is known keeps its positions."""
        ...

    async def export_positions(self) -> Sequence[ExportPosition]: ...

    async def export_batch(self, queue: Queue, after: int, limit: int, up_to: int | None = None) -> ExportBatch | None:
        """At most `limit` rows behind a number; None when nothing follows (up to a number)."""
        ...

    async def move_exporter(self, position: ExportPosition) -> None:
        """Stores a position; `sent`, `rejected` and `lost` are added to what was counted. On disk when it returns."""
        ...
