"""The numbers of what many rows share: resources, scopes, operations, metric streams.

The writer remembers the numbers it has seen. What it remembers holds only as long as its transaction: after a rollback
everything is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.batch import OPERATION_COLUMNS, STREAM_COLUMNS
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from storage.batch import Row

REMEMBERED = 50_000
_HASH, _DESCRIPTION, _METADATA = (STREAM_COLUMNS.index(name) for name in ("hash", "description", "metadata"))


class References:
    """Row → number, inserting the row where it is new. Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, object], int] = {}
        self._descriptions: dict[int, tuple[object, object]] = {}

    def forget(self) -> None:
        self._known.clear()
        self._descriptions.clear()

    def resources(self, rows: Sequence[Row]) -> list[int]:
        """RESOURCE_COLUMNS → numbers."""
        return [self._number("resource", "hash", row[0], row[:1], row) for row in rows]

    def scopes(self, rows: Sequence[Row]) -> list[int]:
        """SCOPE_COLUMNS → numbers."""
        return [self._number("scope", "hash", row[0], row[:1], row) for row in rows]

    def operations(self, rows: Sequence[Row]) -> list[int]:
        """OPERATION_COLUMNS → numbers."""
        width = len(OPERATION_COLUMNS)
        return [self._number("operation", "identity", row, row[:width], row) for row in rows]

    def streams(self, rows: Sequence[Row], resource_ids: Sequence[int], scope_ids: Sequence[int]) -> list[int]:
        """STREAM_COLUMNS → numbers; a description that changed is taken over."""
        return [self._stream((resource_ids[row[0]], scope_ids[row[1]], *row[2:])) for row in rows]

    def _stream(self, row: Row) -> int:
        number = self._number("stream", "hash", row[_HASH], (row[_HASH],), row)
        described = (row[_DESCRIPTION], row[_METADATA])
        if self._descriptions.get(number) != described:
            values = {"id": number, "description": described[0], "metadata": described[1]}
            self._connection.execute(statement("update_stream_description"), values)
            self._descriptions[number] = described
        return number

    def _number(self, table: str, unique: str, key: object, identity: Row, row: Row) -> int:
        number = self._known.get((table, key))
        if number is None:
            number = self._find_or_insert(table, unique, identity, row)
            if len(self._known) >= REMEMBERED:
                self.forget()
            self._known[table, key] = number
        return number

    def _find_or_insert(self, table: str, unique: str, identity: Row, row: Row) -> int:
        found = self._connection.execute(statement(f"{table}_by_{unique}"), identity).fetchone()
        if found is not None:
            return int(found[0])
        return int(self._connection.execute(statement(f"insert_{table}"), row).lastrowid or 0)
