"""The numbers of agents, users, sessions and traces of facts. Runs on the writer thread, inside its transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

REMEMBERED = 100_000


class Names:
    """Name → number in one table, inserting what is new. The statements are `<table>_keys`, `insert_<table>`, `last_<table>`."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._table = table
        self._known: dict[str, int] = {}
        self._next = 0
        # Numbers below it were there before the present group.
        self.first_new = 0

    def forget(self) -> None:
        self._known.clear()
        self._next = 0

    def find(self, names: Iterable[str]) -> None:
        """Makes sure that the numbers of stored `names` are known."""
        table = self._table
        missing = [name for name in names if name not in self._known]
        if missing:
            (found,) = self._connection.execute(statement(f"{table}_keys"), (orjson.dumps(missing).decode(),)).fetchone()
            self._known.update(orjson.loads(found))

    def begin(self) -> None:
        """A new group begins."""
        if len(self._known) > REMEMBERED:
            self.forget()
        table = self._table
        if not self._next:
            (last,) = self._connection.execute(statement(f"last_{table}")).fetchone()
            self._next = last + 1
        self.first_new = self._next

    def ensure(self, names: Iterable[str]) -> None:
        """Makes sure that all `names` have numbers."""
        table = self._table
        wanted = sorted(names)
        self.find(wanted)
        fresh = [name for name in wanted if name not in self._known]
        rows = []
        for name in fresh:
            self._known[name] = self._next
            rows.append((self._next, name))
            self._next += 1
        insert_many(self._connection, f"insert_{table}", rows)

    def get(self, name: str | None) -> int | None:
        return None if name is None else self._known.get(name)

    def is_old(self, number: int) -> bool:
        """Whether it was there before the present group."""
        return number < self.first_new
