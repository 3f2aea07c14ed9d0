"""Keeps the latency roll-ups, per minute and per hour, inside the ingest transaction.

A group of commits touches few cells (an operation within a minute), so each is merged and written once a group: 6 µs a cell,
0.2 µs a span at full load. Late spans change old cells the same way. A span that replaces another is first taken out
again, with a negative count.

Beside the operations, each service as a whole has cells in tables of its own, filed under an operation without a name: a day
of percentiles by service reads some hundred cells instead of ten thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.histogram import PackedHistogram, edges_of
from storage.sqlite.bulk import insert_many
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.batch import Row
    from storage.sqlite.writing.references import References

    _Cells = dict[tuple[int, int], list[Any]]

MINUTES_PER_HOUR = 60
# 3 KB each.
CELLS_REMEMBERED = 4_000
# The kind, which OTLP does not have, under which `operations` files a service as a whole.
WHOLE_SERVICE = -1
_COUNT, _ERRORS, _SUM, _MIN, _MAX, _BUCKETS = range(6)
# The shortest and longest of an empty cell: any duration takes their place.
_NO_DURATION = (2**63 - 1, 0)
_EMPTY = (0, 0, 0, *_NO_DURATION)


class Rollups:
    """Merges what a group adds into the stored cells. Runs on the writer thread, inside its transaction.

    The cells written last are remembered: under load the same ones change with every group, and each statement that is not
    run saves a wait for the interpreter lock (450 reads a group of 28 small requests took 100 ms beside a busy event loop).
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, int, int], list[Any]] = {}

    def forget(self) -> None:
        self._known.clear()

    def write(self, changes: LatencyChanges) -> None:
        for name, cells in (
            ("hour_cell", _by_hour(changes.operations)),
            ("minute_cell", changes.operations),
            ("service_hour_cell", _by_hour(changes.services)),
            ("service_minute_cell", changes.services),
        ):
            self._write_cells(name, cells, settle=changes.some_taken_out)

    def _write_cells(self, name: str, changes: _Cells, *, settle: bool) -> None:
        rows = []
        for key, change in sorted(changes.items()):
            cell = self._stored(name, key) or [*_EMPTY, PackedHistogram()]
            _merge_figures(cell, change)
            cell[_BUCKETS].add(change[_BUCKETS])
            if settle:
                _settle(cell)
            self._remember((name, *key), cell)
            rows.append((*key, *cell[:_SUM], float(cell[_SUM]), cell[_MIN], cell[_MAX], cell[_BUCKETS].packed()))
        insert_many(self._connection, f"insert_{name}", rows)

    def _stored(self, name: str, key: tuple[int, int]) -> list[Any] | None:
        known = self._known.get((name, *key))
        if known is not None:
            return known
        row = self._connection.execute(statement(name), key).fetchone()
        if row is None:
            return None
        return [*row[:_BUCKETS], PackedHistogram(row[_BUCKETS])]

    def _remember(self, key: tuple[str, int, int], cell: list[Any]) -> None:
        if len(self._known) >= CELLS_REMEMBERED:
            self._known.clear()
        self._known[key] = cell


class LatencyChanges:
    """What a group of commits adds to the roll-ups, by (minute, operation)."""

    def __init__(self, references: References) -> None:
        self._references = references
        self.operations: _Cells = {}
        self.services: _Cells = {}
        self.some_taken_out = False

    def add(self, latencies: Iterable[Row], operations: Sequence[Row], sign: int = 1) -> None:
        """LATENCY_COLUMNS and the OPERATION_COLUMNS they refer to; a `sign` of -1 takes them out."""
        self.some_taken_out = self.some_taken_out or sign < 0
        ids = self._references.operations(operations)
        services = self._references.operations([(service, "", WHOLE_SERVICE) for service, *_ in operations])
        for operation, minute, *figures in latencies:
            cell = figures if sign > 0 else _negated(figures)
            _add(self.operations, (minute, ids[operation]), cell)
            _add(self.services, (minute, services[operation]), cell)


def _add(cells: _Cells, key: tuple[int, int], cell: Sequence[Any]) -> None:
    known = cells.get(key)
    if known is None:
        cells[key] = [*cell[:_BUCKETS], dict(cell[_BUCKETS])]
    else:
        _merge(known, cell)


def _by_hour(minutes: _Cells) -> _Cells:
    hours: _Cells = {}
    for (minute, operation), cell in minutes.items():
        _add(hours, (minute // MINUTES_PER_HOUR, operation), cell)
    return hours


def _merge_figures(into: list[Any], cell: Sequence[Any]) -> None:
    into[_COUNT] += cell[_COUNT]
    into[_ERRORS] += cell[_ERRORS]
    into[_SUM] += cell[_SUM]
    into[_MIN] = min(into[_MIN], cell[_MIN])
    into[_MAX] = max(into[_MAX], cell[_MAX])


def _merge(into: list[Any], cell: Sequence[Any]) -> None:
    _merge_figures(into, cell)
    buckets = into[_BUCKETS]
    for bucket, count in cell[_BUCKETS].items():
        buckets[bucket] = buckets.get(bucket, 0) + count


def _negated(cell: Sequence[Any]) -> list[Any]:
    count, errors, total, smallest, largest, buckets = cell
    return [-count, -errors, -total, smallest, largest, {bucket: -number for bucket, number in buckets.items()}]


def _settle(cell: list[Any]) -> None:
    """Where the shortest or longest was taken out, the edge of its bucket stands in (within 4.4 %)."""
    buckets = cell[_BUCKETS].filled()
    cell[_BUCKETS] = PackedHistogram()
    cell[_BUCKETS].add(buckets)
    if not buckets:
        cell[_MIN], cell[_MAX] = _NO_DURATION
        return
    lowest, highest = edges_of(buckets)
    cell[_MIN], cell[_MAX] = max(cell[_MIN], lowest), min(cell[_MAX], highest)
