"""Writes the metric points of a group of requests; a point of the same stream and time is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.batch import Batch, Written
from storage.sqlite.bulk import insert_many
from storage.sqlite.placed import PlacedPoints

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from storage.sqlite.writing.references import References


class MetricWriter:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, references: References) -> None:
        self._connection = connection
        self._references = references
        self.placed: list[PlacedPoints] = []

    def load(self) -> None:
        """Nothing is remembered between groups."""

    def write(self, batches: Sequence[Batch]) -> list[Written]:
        self.placed = []
        return [self._write_one(batch) for batch in batches]

    def _write_one(self, batch: Batch) -> Written:
        resources = self._references.resources(batch.resources)
        scopes = self._references.scopes(batch.scopes)
        streams = self._references.streams(batch.streams, resources, scopes)
        self.placed.append(PlacedPoints(batch, streams))
        # By stream and time, as the table is ordered: neighbours land on the same page.
        rows = sorted(((streams[row[0]], *row[1:]) for row in batch.rows), key=lambda row: row[:2])
        stored = insert_many(self._connection, "insert_point", rows)
        if stored < len(rows):
            # Some were there: sent again, or corrected. The last one wins.
            insert_many(self._connection, "insert_or_replace_point", rows)
        return Written(stored, len(rows) - stored)
