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
from itertools import takewhile
from typing import TYPE_CHECKING

import orjson

from storage.sqlite.placed import PlacedLogs, PlacedSpans
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterator, Sequence

    from storage.sqlite.facts.stored import StoredFacts
    from storage.sqlite.facts.writer import FactWriter

    _Piece = tuple[int, str, int, int]

# As many as are noted as one piece, and worked out together, some 50 ms.
ROWS_PER_PIECE = 500
# What changes of them is written in steps of some 100 ms: the facts of 10,000 spans can depend on the one that came last.
ROWS_PER_STEP = 500
# Facts of a trace with more spans are worked out when there is time, and then from all of its spans that are owed.
LARGE_TRACE = 1_000
MOST_PIECES = 40


class FactsOwed:
    """Runs on the writer thread; `owe_…` inside of its transaction, `payment` in some of its own making."""

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

    def payment(self, now: int) -> Iterator[None]:
        """Works out the oldest pieces, at most one transaction a step; `now` is in ns.

        Between two steps others may write rows whose facts they owe as well. A payment that is not finished begins anew.
        """
        pieces = self._connection.execute(statement("oldest_owed"), (MOST_PIECES,)).fetchall()
        paid = yield from self._read(pieces)
        self._connection.execute(statement("begin_writing"))
        self._add(paid)
        for _ in self._facts.steps(now, ROWS_PER_STEP):
            self._connection.execute(statement("commit_writing"))
            yield
            self._connection.execute(statement("begin_writing"))
        self._connection.executemany(statement("delete_owed"), [(piece[0],) for piece, _ in paid])
        self._connection.execute(statement("commit_writing"))
        self.pieces = max(self.pieces - len(paid), 0) if paid else 0

    def _read(self, pieces: Sequence[_Piece]) -> Generator[None, None, list[tuple[_Piece, PlacedSpans | PlacedLogs]]]:
        """The oldest of the pieces with their rows: some hundred rows, or more where one of their traces is large."""
        read: list[tuple[_Piece, PlacedSpans | PlacedLogs]] = []
        rows, wanted = 0, ROWS_PER_PIECE
        for piece in takewhile(lambda one: one[1] == pieces[0][1], pieces):
            _, signal, first, last = piece
            rows += last - first + 1
            if read and rows > wanted:
                break
            if signal == "logs":
                read.append((piece, self._stored.logs_between(first, last)))
            else:
                part = self._stored.spans_between(first, last)
                read.append((piece, part))
                if max(self._sizes([part]).values(), default=0) > LARGE_TRACE:
                    # What else is owed of it would have it worked out once more each time.
                    wanted = sys.maxsize
            yield
        return read

    def _add(self, paid: Sequence[tuple[_Piece, PlacedSpans | PlacedLogs]]) -> None:
        spans = [part for _, part in paid if isinstance(part, PlacedSpans)]
        logs = [part for _, part in paid if isinstance(part, PlacedLogs)]
        if spans:
            here = Counter(part.batch.traces[row[0]] for part in spans for row in part.batch.rows)
            # All of their spans are at hand: they need not be read again as a whole.
            complete = {trace_id for trace_id, size in self._sizes(spans).items() if here[trace_id] == size}
            self._facts.add_spans(spans, complete, sys.maxsize)
        if logs:
            self._facts.add_logs(logs)

    def _sizes(self, parts: Sequence[PlacedSpans]) -> dict[str, int]:
        """How many spans the traces of the parts have."""
        wanted = orjson.dumps(list({trace_id for part in parts for trace_id in part.batch.traces})).decode()
        return dict(self._connection.execute(statement("span_counts_of_traces"), {"trace_ids": wanted}))
