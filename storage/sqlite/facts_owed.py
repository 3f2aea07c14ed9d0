"""Facts that are owed: under load, rows are committed first and what they tell of agents is worked out afterwards.

An event costs about as much to join, count and index as ten spans cost to store. While the writer has time to spare, facts are
part of the transaction that brings their rows. When more comes than that allows, the transaction notes which rows it owes the
facts of, and they are paid from the stored rows, piece by piece, as time permits: a kill in between loses nothing, since the
note and the rows are one commit. Facts do not depend on the order in which their rows are read, so late ones come out the same.
docs/adr/0006-facts-under-load.md has the figures.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import orjson

from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3

    from storage.sqlite.facts_stored import StoredFacts
    from storage.sqlite.write_facts import FactWriter
    from storage.sqlite.write_logs import PlacedLogs
    from storage.sqlite.write_traces import PlacedSpans

# A piece is worked out in one go, some 50 ms.
ROWS_PER_PIECE = 500


class FactsOwed:
    """Runs on the writer thread; `owe_…` inside of its transaction, `pay` in one of its own making."""

    def __init__(self, connection: sqlite3.Connection, facts: FactWriter, stored: StoredFacts) -> None:
        self._connection = connection
        self._facts = facts
        self._stored = stored
        self.pieces = 0

    def load(self) -> None:
        self.pieces = self._connection.execute(statement("count_owed")).fetchone()[0]

    def owe_spans(self, part: PlacedSpans) -> None:
        self._owe("traces", part.first_id, len(part.batch.rows))

    def owe_logs(self, part: PlacedLogs) -> None:
        self._owe("logs", part.first_id, len(part.batch.rows))

    def _owe(self, signal: str, first: int, rows: int) -> None:
        for start in range(first, first + rows, ROWS_PER_PIECE):
            end = min(start + ROWS_PER_PIECE, first + rows)
            self._connection.execute(statement("owe_facts"), (signal, start, end - 1))
            self.pieces += 1

    def pay(self, now: int) -> None:
        """Works out the oldest piece; `now` is in ns."""
        self._connection.execute(statement("begin_writing"))
        piece = self._connection.execute(statement("oldest_owed")).fetchone()
        if piece is not None:
            number, signal, first, last = piece
            if signal == "traces":
                part = self._stored.spans_between(first, last)
                self._facts.add_spans([part], self._complete_traces(part), sys.maxsize)
            else:
                self._facts.add_logs([self._stored.logs_between(first, last)])
            self._facts.write(now)
            self._connection.execute(statement("delete_owed"), (number,))
        self._connection.execute(statement("commit_writing"))
        self.pieces = max(self.pieces - 1, 0) if piece is not None else 0

    def _complete_traces(self, part: PlacedSpans) -> set[str]:
        """The traces all of whose spans are in this piece: they need not be read again as a whole."""
        here = Counter(part.batch.traces[row[0]] for row in part.batch.rows)
        wanted = orjson.dumps(part.batch.traces).decode()
        stored = self._connection.execute(statement("span_counts_of_traces"), {"trace_ids": wanted})
        return {trace_id for trace_id, count in stored if here[trace_id] == count}
