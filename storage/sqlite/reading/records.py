"""Reads span and log records by their numbers, together with the resources and scopes that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from storage.contract import LogRecord, ResourceRecord, ScopeRecord, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storage.sqlite.connect import Reader


ROWS_AT_ONCE = 200


def spans_by_id(reader: Reader, ids: Sequence[int]) -> dict[int, SpanRecord]:
    return {record.id: record for record in spans_in_turn(reader, ids)}


def logs_by_id(reader: Reader, ids: Sequence[int]) -> dict[int, LogRecord]:
    return {record.id: record for record in logs_in_turn(reader, ids)}


def spans_in_turn(reader: Reader, ids: Sequence[int]) -> Iterator[SpanRecord]:
    """Some rows at a time, so that the text of all of them never stands in memory at once."""
    for some in _pieces(reader, ids):
        rows = reader.rows("spans_by_id", {"ids": _json(some)})
        resources, scopes = _shared(reader, rows)
        records = {row[2]: SpanRecord(*(*row[2:], resources[row[0]], scopes[row[1]])) for row in rows}
        yield from (records[id_] for id_ in some)


def logs_in_turn(reader: Reader, ids: Sequence[int]) -> Iterator[LogRecord]:
    """Those that are there: a number may come from a user."""
    for some in _pieces(reader, ids):
        rows = reader.rows("logs_by_id", {"ids": _json(some)})
        resources, scopes = _shared(reader, rows)
        records = {row[2]: LogRecord(*(*row[2:], resources[row[0]], scopes[row[1]])) for row in rows}
        yield from (records[id_] for id_ in some if id_ in records)


def _pieces(reader: Reader, ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), ROWS_AT_ONCE):
        reader.check_time()
        yield ids[first : first + ROWS_AT_ONCE]


def _shared(reader: Reader, rows: Sequence[Sequence[Any]]) -> tuple[dict[int, ResourceRecord], dict[int, ScopeRecord]]:
    """Resources and scopes of rows that begin with resource_id, scope_id."""
    resources = reader.rows("resources", {"ids": _json({row[0] for row in rows})})
    scopes = reader.rows("scopes", {"ids": _json({row[1] for row in rows})})
    return {row[0]: ResourceRecord(*row) for row in resources}, {row[0]: ScopeRecord(*row) for row in scopes}


def _json(ids: Iterable[int]) -> str:
    return orjson.dumps(list(ids)).decode()
