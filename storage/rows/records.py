"""The rows of a batch as the records that a store would give back, without a store between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.batch import RESOURCE_COLUMNS, Batch
from storage.contract import LogRecord, PointRecord, ResourceRecord, ScopeRecord, SpanRecord, StreamRecord

if TYPE_CHECKING:
    from storage.batch import Row

_LIFTED = RESOURCE_COLUMNS.index("attributes")


def span_records(batch: Batch) -> list[SpanRecord]:
    """`id` is the position in the batch; so it is in the functions below, and in resources and scopes."""
    resources, scopes = _resources(batch), _scopes(batch)
    fields: list[Row] = [(number, *row[3:], resources[row[1]], scopes[row[2]]) for number, row in enumerate(batch.rows)]
    return [SpanRecord(*values) for values in fields]


def log_records(batch: Batch) -> list[LogRecord]:
    resources, scopes = _resources(batch), _scopes(batch)
    fields: list[Row] = [(number, *row[2:], resources[row[0]], scopes[row[1]]) for number, row in enumerate(batch.rows)]
    return [LogRecord(*values) for values in fields]


def point_records(batch: Batch) -> list[PointRecord]:
    resources, scopes = _resources(batch), _scopes(batch)
    fields: list[Row] = [(number, *row[3:], resources[row[0]], scopes[row[1]]) for number, row in enumerate(batch.streams)]
    streams = [StreamRecord(*values) for values in fields]
    points: list[Row] = [(*row[1:], streams[row[0]]) for row in batch.rows]
    return [PointRecord(*values) for values in points]


def _resources(batch: Batch) -> list[ResourceRecord]:
    return [_resource(number, row) for number, row in enumerate(batch.resources)]


def _resource(number: int, row: Row) -> ResourceRecord:
    return ResourceRecord(number, row[1], *row[_LIFTED:])


def _scopes(batch: Batch) -> list[ScopeRecord]:
    return [ScopeRecord(number, *row[1:]) for number, row in enumerate(batch.scopes)]
