"""What is still to be exported: spans, changed spans, log records and points behind a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from storage.contract import PointRecord, ResourceRecord, ScopeRecord, StreamRecord
from storage.export_contract import ExportBatch, ExportPosition
from storage.sqlite.reading.records import logs_in_turn, spans_by_id
from storage.sqlite.reading.search import END_OF_TIME
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.export_contract import Queue
    from storage.sqlite.connect import Reader


def export_positions(reader: Reader) -> list[ExportPosition]:
    return [ExportPosition(*row) for row in reader.rows("export_positions")]


def export_batch(reader: Reader, queue: Queue, after: int, limit: int, up_to: int | None) -> ExportBatch | None:
    bounds = {"after": after, "up_to": END_OF_TIME if up_to is None else up_to, "limit": limit}
    if queue == "points":
        return _points(reader, after, bounds)
    if queue == "changes":
        return _changes(reader, after, bounds)
    ids: list[int] = reader.rows("spans_to_export" if queue == "spans" else "logs_to_export", bounds)
    if not ids:
        return None
    if queue == "spans":
        found = spans_by_id(reader, ids)
        return ExportBatch(queue, after, ids[-1], [found[number] for number in ids])
    return ExportBatch(queue, after, ids[-1], list(logs_in_turn(reader, ids)))


def _changes(reader: Reader, after: int, bounds: dict[str, int]) -> ExportBatch | None:
    """A span that changed several times comes once, as it is now."""
    rows = reader.rows("changes_to_export", bounds)
    if not rows:
        return None
    there = set(reader.rows("spans_there", {"ids": _json({span for _, span in rows})}))
    found = spans_by_id(reader, sorted(there))
    return ExportBatch("changes", after, rows[-1][0], list(found.values()), len({span for _, span in rows} - there))


def _points(reader: Reader, after: int, bounds: dict[str, int]) -> ExportBatch | None:
    rows = reader.execute(statement("points_to_export"), bounds).fetchall()
    if not rows:
        return None
    streams = _streams(reader, {row[12] for row in rows})
    present = [row for row in rows if not row[11] and row[12] in streams]
    records = [PointRecord(*(*row[1:11], streams[row[12]])) for row in present]
    return ExportBatch("points", after, max(row[0] for row in rows), records, len(rows) - len(present))


def _streams(reader: Reader, ids: Iterable[int]) -> dict[int, StreamRecord]:
    rows = reader.rows("streams_to_export", {"ids": _json(ids)})
    resources = {row[0]: ResourceRecord(*row) for row in _shared(reader, "resources", rows, 0)}
    scopes = {row[0]: ScopeRecord(*row) for row in _shared(reader, "scopes", rows, 1)}
    return {row[2]: StreamRecord(*(*row[2:], resources[row[0]], scopes[row[1]])) for row in rows}


def _shared(reader: Reader, name: str, rows: Sequence[Sequence[Any]], column: int) -> list[Any]:
    return reader.rows(name, {"ids": _json({row[column] for row in rows})})


def _json(ids: Iterable[int]) -> str:
    return orjson.dumps(sorted(ids)).decode()
