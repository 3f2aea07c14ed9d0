"""Reads another program's SQLite file without changing it: which tables and columns there are, and their rows in order."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Self

import sqlite_utils

from storage.errors import NotAStore
from storage.sqlite.connect import connect_reader
from storage.sqlite.faults import refusal
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


class ForeignFile:
    """One snapshot of the file: what its program writes meanwhile is not seen. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotAStore(f"there is no file {path}")
        self.path = path
        self._reader = connect_reader(path)
        try:
            self._reader.begin()
            self._columns = self._read_columns()
        except sqlite3.Error as error:
            self._reader.close()
            raise refusal(error, path) from error

    def _read_columns(self) -> dict[str, list[str]]:
        names = [row[0] for row in self._reader.execute(statement("table_names")).fetchall()]
        database = sqlite_utils.Database(self._reader)
        return {name: [column.name for column in database[name].columns] for name in names}

    @property
    def tables(self) -> Collection[str]:
        return self._columns.keys()

    def columns(self, table: str) -> list[str]:
        """Empty where there is no such table."""
        return self._columns.get(table, [])

    def count(self, table: str) -> int:
        return int(sqlite_utils.Database(self._reader)[table].count)

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Every row by column name, in the order in which they were stored; `rowid` is the row's number."""
        database = sqlite_utils.Database(self._reader)
        named = ", ".join(f'"{name}"' for name in self._columns[table])
        try:
            yield from database[table].rows_where(select=f"rowid as rowid, {named}", order_by="rowid")
        except sqlite3.Error as error:
            raise refusal(error, self.path) from error

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._reader.end()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
