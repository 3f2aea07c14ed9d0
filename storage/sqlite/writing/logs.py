"""Writes the log records of a group of requests, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.batch import Batch, Written
from storage.sqlite.bulk import insert_many
from storage.sqlite.numbers import next_number
from storage.sqlite.placed import PlacedLogs
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from storage.sqlite.writing.blocks import Blocks
    from storage.sqlite.writing.references import References


class LogWriter:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, references: References, blocks: Blocks) -> None:
        self._connection = connection
        self._references = references
        self._blocks = blocks
        self.next_number = 1
        # The last group, without requests that were known.
        self.placed: list[PlacedLogs] = []

    def load(self) -> None:
        """Finds the next free number: at start, and after a rollback."""
        self._blocks.load()
        self.next_number = next_number(self._connection, "last_log", "logs")

    def write(self, batches: Sequence[Batch]) -> list[Written]:
        first = self.next_number
        self.placed = []
        written = [self._write_one(batch) for batch in batches]
        if self.next_number > first:
            self._connection.execute(statement("index_log_text"), (first, self.next_number - 1))
        return written

    def _write_one(self, batch: Batch) -> Written:
        """A request whose digest is known was answered before, or its answer was lost: nothing of it is new."""
        digest = (batch.digest, batch.received_time)
        if batch.digest and not self._connection.execute(statement("insert_log_request"), digest).rowcount:
            return Written(0, len(batch.rows))
        resources = self._references.resources(batch.resources)
        scopes = self._references.scopes(batch.scopes)
        first = self.next_number
        rows = [(number, resources[row[0]], scopes[row[1]], *row[2:]) for number, row in enumerate(batch.rows, first)]
        self.next_number += len(rows)
        stored = insert_many(self._connection, "insert_log", rows)
        self._blocks.add(batch.segments, first, batch.received_time)
        self.placed.append(PlacedLogs(batch, first, resources, self._missing(first, len(rows), stored)))
        return Written(stored, len(rows) - stored, first)

    def _missing(self, first: int, count: int, stored: int) -> frozenset[int]:
        if stored == count:
            return frozenset()
        found = self._connection.execute(statement("logs_between"), (first, first + count - 1))
        return frozenset(range(first, first + count)) - {row[0] for row in found}
