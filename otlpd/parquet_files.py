"""Parquet files of everything that is kept: one a signal, one row a record, with readable columns and nothing lost.

A column is a field of the record, or of its stream, resource or scope with their name before it. Attributes, events and the like
are JSON text as in the database. Numbers that may be integers, doubles, NaN or beyond 64 bits have their nearest double, and in
`..._exact` what they are. Numbers of rows, and times of receipt, are not of the telemetry and left out.

pyarrow is an extra (`otlpd[parquet]`): 150 MB that few need.
"""

from __future__ import annotations

import json
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from storage.contract import LogRecord, PointRecord, ResourceRecord, ScopeRecord, SpanRecord, StreamRecord
from storage.rows.to_otlp import by_owner, logs_request, traces_request
from storage.rows.to_otlp_metrics import metrics_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Columns: TypeAlias = "Mapping[str, Sequence[Any]]"
ROWS_PER_GROUP = 2_000
RECORDS_AT_ONCE = 500
SUFFIX = ".parquet"
_RECORDS: dict[str, type] = {"traces": SpanRecord, "logs": LogRecord, "metrics": PointRecord}
_REQUESTS: dict[str, Any] = {"traces": traces_request, "logs": logs_request, "metrics": metrics_request}
_PARTS: dict[str, type] = {"stream": StreamRecord, "resource": ResourceRecord, "scope": ScopeRecord}
_LEFT_OUT = {SpanRecord: {"id"}, LogRecord: {"id", "time", "record_uid"}, PointRecord: set[str]()}
_TIMES = frozenset({"time", "start_time", "end_time", "time_unix_nano", "observed_time_unix_nano"})
_SIGNAL = b"otlpd.signal"


class NotReadable(Exception):
    """The file is none that `otlpd export` wrote, or is damaged."""


@dataclass(frozen=True, slots=True)
class Column:
    """`path` leads from the record to the value."""

    name: str
    path: tuple[str, ...]
    type: str


def columns_of(signal: str) -> list[Column]:
    return list(_columns(_RECORDS[signal], ()))


def _columns(record: type, path: tuple[str, ...]) -> Iterator[Column]:
    for field in fields(record):
        if field.name in _PARTS:
            yield from _columns(_PARTS[field.name], (*path, field.name))
        elif field.name not in _LEFT_OUT.get(record, {"id"}):
            # A stream's own resource and scope are the point's.
            prefix = "_".join(path[-1:])
            yield Column(f"{prefix}_{field.name}" if prefix else field.name, (*path, field.name), _type(field, path))


def _type(field: Field[Any], path: tuple[str, ...]) -> str:
    kinds = set(str(field.type).split(" | ")) - {"None"}
    if kinds == {"str"}:
        return "text"
    if kinds == {"int"}:
        return "time" if field.name in _TIMES and not path else "integer"
    return "number"


class ParquetFolder:
    """Writes one file for each signal into the folder, and each record once."""

    def __init__(self, folder: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415

        self._arrow, self._parquet = pa, parquet
        self._folder = folder
        self._writers: dict[str, Any] = {}
        self._signal = ""
        self._waiting: list[Any] = []

    def write(self, signal: str, records: Sequence[Any]) -> None:
        if signal not in self._writers:
            self._flush_waiting()
            schema = self._schema(signal)
            path = self._folder / f"{signal}{SUFFIX}"
            self._writers[signal] = self._parquet.ParquetWriter(path, schema, compression="zstd")
        self._signal = signal
        self._waiting += records if signal == "metrics" else _as_sent(records)
        if len(self._waiting) >= ROWS_PER_GROUP:
            self._flush_waiting()

    def _flush_waiting(self) -> None:
        if self._waiting:
            schema = self._schema(self._signal)
            arrays = [list(values) for values in _written(self._signal, self._waiting)]
            table = self._arrow.table(
                [self._arrow.array(values, field.type) for values, field in zip(arrays, schema, strict=True)], schema=schema
            )
            self._writers[self._signal].write_table(table)
        self._waiting = []

    def _schema(self, signal: str) -> Any:
        arrow = self._arrow
        types = {
            "text": arrow.string(),
            "integer": arrow.int64(),
            "time": arrow.timestamp("ns", "UTC"),
            "number": arrow.float64(),
        }
        columns = [arrow.field(column.name, types[column.type]) for column in columns_of(signal)]
        exact = [arrow.field(f"{column.name}_exact", arrow.string()) for column in columns_of(signal) if column.type == "number"]
        return arrow.schema([*columns, *exact], {_SIGNAL: signal.encode()})

    def close(self) -> None:
        self._flush_waiting()
        for writer in self._writers.values():
            writer.close()


def _as_sent(records: Sequence[Any]) -> Iterator[Any]:
    """In the order in which an import of them stores them again: a request has those of one resource and scope together."""
    for _, scopes in by_owner(records):
        for _, some in scopes:
            yield from some


def _written(signal: str, records: Sequence[Any]) -> Iterator[Iterable[Any]]:
    """The values of each column, in the order of the schema."""
    exact = []
    for column in columns_of(signal):
        values = [_at(record, column.path) for record in records]
        if column.type == "number":
            exact.append([None if value is None else json.dumps(value) for value in values])
            values = [None if value is None else float(value) for value in values]
        yield values
    yield from exact


def _at(record: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        record = getattr(record, name)
    return record


def files_of(path: Path) -> list[Path]:
    """A file, or those of a folder in the order in which they were written."""
    if not path.is_dir():
        return [path]
    return [file for signal in _RECORDS if (file := path / f"{signal}{SUFFIX}").exists()]


def count_rows(path: Path) -> int:
    return sum(_opened(file)[1].metadata.num_rows for file in files_of(path))


def read_columns(path: Path) -> Iterator[tuple[str, Columns]]:
    """Some records at a time: their signal, and their columns. Raises NotReadable and OSError."""
    for file in files_of(path):
        signal, parquet = _opened(file)
        for batch in parquet.iter_batches(RECORDS_AT_ONCE):
            yield signal, {name: _plain(batch.column(name)) for name in batch.schema.names}


def _opened(path: Path) -> tuple[str, Any]:
    import pyarrow as pa  # noqa: PLC0415  an extra
    from pyarrow import parquet  # noqa: PLC0415

    try:
        file = parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise NotReadable(f"{path} is no Parquet file: {error}") from None
    signal = (file.schema_arrow.metadata or {}).get(_SIGNAL, b"").decode()
    if signal not in _RECORDS:
        raise NotReadable(f"{path} was not written by `otlpd export`: it does not say of which signal it is")
    if missing := [column.name for column in columns_of(signal) if column.name not in file.schema_arrow.names]:
        raise NotReadable(f"{path} lacks the columns {', '.join(missing)}")
    return signal, file


def _plain(array: Any) -> list[Any]:
    values: list[Any] = (array.cast("int64") if str(array.type).startswith("timestamp") else array).to_pylist()
    return values


def request_of(signal: str, columns: Columns) -> bytes:
    """The OTLP request of these records. Raises ValueError where a value is none that was written."""
    record = _RECORDS[signal]
    names = {column.path: column for column in columns_of(signal)}
    values = {
        path: [None if text is None else json.loads(text) for text in columns[f"{column.name}_exact"]]
        if column.type == "number"
        else columns[column.name]
        for path, column in names.items()
    }
    rows = len(next(iter(values.values())))
    try:
        message = _REQUESTS[signal](_made(record, (), values, row) for row in range(rows))
        return bytes(message.SerializeToString())
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a record of {signal}: {error}") from None


def _made(record: type, path: tuple[str, ...], values: Mapping[tuple[str, ...], Sequence[Any]], row: int) -> Any:
    given: dict[str, Any] = {}
    for field in fields(record):
        place = (*path, field.name)
        if field.name in _PARTS:
            given[field.name] = _made(_PARTS[field.name], place, values, row)
        else:
            given[field.name] = values[place][row] if place in values else 0 if field.name in {"id", "time"} else None
    return record(**given)
