"""Keeps prompts, answers, arguments and results: every text once, and for each record the list of the texts it carries.

With every call of a conversation its whole history comes again, so most texts are known already. New ones are made
searchable at once when they are few; when many come together, maintenance does it afterwards.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from storage.batch import Batch, Row

DAY_NS: Final = 86_400 * 10**9
REMEMBERED: Final = 100_000
# What is made searchable in the ingest transaction; 1 KB costs about 60 µs.
TEXTS_AT_ONCE: Final = 100
CHARACTERS_AT_ONCE: Final = 50_000
INDEXED_PER_SLICE: Final = 500
INDEXED: Final = "contents_indexed"
_FACT, _DIRECTION, _MESSAGE, _PART, _ROLE, _KIND, _NAME, _CALL_ID, _TEXT, _SIZE, _HASH = range(11)
_FACT_TIME, _FACT_ROW = 15, 0


class ContentWriter:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # Hash → number and the day on which it was last noted as used.
        self._known: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._waiting: list[tuple[int, int, Row]] = []
        self._next = 0

    def forget(self) -> None:
        self._known.clear()
        self._waiting.clear()
        self._next = 0

    def add(self, batch: Batch, number_of: Callable[[int], int], *, is_whole: bool) -> None:
        """The contents of a batch; `number_of` a row of it is the number of its statement. Repeated batches bring nothing."""
        if not is_whole:
            return
        for row in batch.contents:
            said = batch.facts[row[_FACT]]
            self._waiting.append((number_of(said[_FACT_ROW]), said[_FACT_TIME], row))

    def write(self, now: int) -> None:
        """`now` is in ns."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        day = now // DAY_NS
        hashes = {_short_hash(row[_HASH]) for _, _, row in waiting}
        self._find(hashes)
        self._note_use(hashes, day)
        fresh = self._insert_new(waiting, day)
        parts: dict[int, list[Any]] = defaultdict(list)
        for source, _, row in waiting:
            number, _ = self._known[_short_hash(row[_HASH])]
            parts[source].append((*row[_DIRECTION : _CALL_ID + 1], number))
        insert_many(
            self._connection, "insert_fact_contents", [(source, orjson.dumps(found).decode()) for source, found in parts.items()]
        )
        self._index(fresh)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _find(self, hashes: set[int]) -> None:
        missing = [hash_ for hash_ in hashes if hash_ not in self._known]
        if missing:
            found = self._connection.execute(statement("contents_by_hash"), (orjson.dumps(missing).decode(),))
            self._known.update({hash_: (number, day) for hash_, number, day in found})

    def _note_use(self, hashes: set[int], day: int) -> None:
        """Once a day is enough for retention to see what is still in use."""
        stale = [self._known[hash_][0] for hash_ in hashes if hash_ in self._known and self._known[hash_][1] < day]
        if stale:
            self._connection.execute(statement("use_contents"), (day, orjson.dumps(stale).decode()))
            self._known.update({hash_: (self._known[hash_][0], day) for hash_ in hashes if hash_ in self._known})

    def _insert_new(self, waiting: list[tuple[int, int, Row]], day: int) -> list[Row]:
        if not self._next:
            self._next = self._connection.execute(statement("last_content")).fetchone()[0] + 1
        rows: list[Row] = []
        for source, time, row in waiting:
            hash_ = _short_hash(row[_HASH])
            if hash_ not in self._known:
                rows.append((self._next, hash_, row[_TEXT], row[_SIZE], source, time, day))
                self._known[hash_] = (self._next, day)
                self._next += 1
        insert_many(self._connection, "insert_content", rows)
        return rows

    def _index(self, fresh: list[Row]) -> None:
        if not fresh or len(fresh) > TEXTS_AT_ONCE or sum(len(row[2]) for row in fresh) > CHARACTERS_AT_ONCE:
            return
        first, last = fresh[0][0], fresh[-1][0]
        if indexed(self._connection) == first - 1:
            self._connection.execute(statement("index_contents"), (first, last))
            self._connection.execute(statement("set_meta"), (INDEXED, str(last)))


def indexed(connection: sqlite3.Connection) -> int:
    """Up to which number contents are searchable by word."""
    found = connection.execute(statement("meta_value"), (INDEXED,)).fetchone()
    return int(found[0]) if found else 0


def index_contents(connection: sqlite3.Connection) -> bool:
    """A slice of maintenance: makes some texts searchable; True when none is left."""
    first = indexed(connection) + 1
    last: int = connection.execute(statement("last_content")).fetchone()[0]
    until = min(last, first + INDEXED_PER_SLICE - 1)
    if until < first:
        return True
    connection.execute(statement("begin_writing"))
    connection.execute(statement("index_contents"), (first, until))
    connection.execute(statement("set_meta"), (INDEXED, str(until)))
    connection.execute(statement("commit_writing"))
    return until == last


def _short_hash(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)
