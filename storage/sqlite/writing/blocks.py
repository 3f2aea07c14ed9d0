"""Keeps the block index: which run of rows covers which time and can hold which values.

Rows are described when about 1,024 of them have come together. Until then they are the tail, which every search reads. The
open block lives in the writer's memory and is made again from the tail at start, so that nothing extra is written per commit:
an index on time would cost 2-3 µs a row, this costs 0.3.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import orjson

from storage.rows.hashes import EVENT, NAME, SERVICE, STATUS, pack_hashes, search_hash
from storage.rows.values import any_value, scalar_text
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.batch import Row

BLOCK_ROWS = 1024
FAILED = 2


@dataclass(slots=True)
class OpenBlock:
    """What the tail holds."""

    first_id: int
    last_id: int
    rows: int = 0
    since: int = 0
    min_time: int = 2**63 - 1
    max_time: int = 0
    hashes: set[int] = field(default_factory=set)

    def add(self, segment: Row, first_id: int, received_time: int) -> None:
        """SEGMENT_COLUMNS, of rows numbered from `first_id`."""
        rows, min_time, max_time, packed = segment
        if self.rows == 0:
            self.first_id = first_id
            self.since = received_time
        self.rows += rows
        self.last_id = first_id + rows - 1
        hashes = array("I")
        hashes.frombytes(packed)
        self.learn(min_time, max_time, hashes)

    def learn(self, min_time: int, max_time: int, hashes: Iterable[int]) -> None:
        self.min_time = min(self.min_time, min_time)
        self.max_time = max(self.max_time, max_time)
        self.hashes.update(hashes)


class Blocks:
    """The open block of one table. Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, table: str, tail: str) -> None:
        self._connection = connection
        self._table = table
        self._tail = tail
        self._open = OpenBlock(0, 0)

    def load(self) -> None:
        """Describes the tail anew: at start, and after a rollback."""
        last = self._connection.execute(statement("last_block"), (self._table,)).fetchone()
        self._open = OpenBlock(0, 0)
        for row in self._connection.execute(statement(self._tail), (last[0] if last else 0,)):
            self._open.add((1, row[1], row[1], pack_hashes(_hashes_of(row))), row[0], 0)

    def add(self, segments: Sequence[Row], first_id: int, received_time: int) -> None:
        for segment in segments:
            self._open.add(segment, first_id, received_time)
            first_id += segment[0]
            if self._open.rows >= BLOCK_ROWS:
                self._seal(received_time)

    def describe(self, rows: Iterable[Row]) -> None:
        """Rows (as span_tail has them) that were changed where they stood: their blocks learn what is new in them."""
        waiting = sorted(rows, key=lambda row: row[0])
        while waiting and (not self._open.rows or waiting[0][0] < self._open.first_id):
            found = self._connection.execute(
                statement("block_of_row"), {"table_name": self._table, "row_id": waiting[0][0]}
            ).fetchone()
            assert found is not None, "a row before the tail lies in no block"
            inside = [row for row in waiting if row[0] <= found[1]]
            self._widen(found[0], found[2], inside)
            del waiting[: len(inside)]
        for row in waiting:
            self._open.learn(row[1], row[1], _hashes_of(row))

    def _widen(self, number: int, packed: bytes, rows: Sequence[Row]) -> None:
        hashes = array("I")
        hashes.frombytes(packed)
        times = [row[1] for row in rows]
        self._connection.execute(statement("widen_block"), (min(times), max(times), number))
        every = pack_hashes(chain(hashes, *map(_hashes_of, rows)))
        self._connection.execute(statement("replace_block_hashes"), (every, number))

    def seal_if_before(self, time: int) -> None:
        """Closes a block that has been open since before `time` (ns); its age counts from `time` at the latest."""
        if self._open.rows and self._open.since < time:
            self._seal(max(self._open.since, time))

    def _seal(self, received_time: int) -> None:
        block = self._open
        number = self._connection.execute(statement("last_block_number")).fetchone()[0] + 1
        covered = (number, self._table, block.first_id, block.last_id, block.min_time, block.max_time, received_time)
        self._connection.execute(statement("insert_block"), covered)
        self._connection.execute(statement("insert_block_hashes"), (number, pack_hashes(block.hashes)))
        self._open = OpenBlock(0, 0)


def _hashes_of(row: Sequence[object]) -> Iterable[int]:
    """The search hashes of a stored row: id, time, name or event, status, attributes, service."""
    _, _, name, status, attributes, service = row
    yield search_hash(NAME, str(name))
    if name is not None:
        yield search_hash(EVENT, str(name))
    if status == FAILED:
        yield search_hash(STATUS, "error")
    if service is not None:
        yield search_hash(SERVICE, str(service))
    for key, value in orjson.loads(str(attributes)).items():
        text = scalar_text(any_value(value))
        if text is not None:
            yield search_hash(key, text)
