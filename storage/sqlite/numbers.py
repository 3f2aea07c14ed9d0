"""Row numbers that are never handed out twice, even after the rows that had them were deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3


def next_number(connection: sqlite3.Connection, last: str, table: str) -> int:
    """One more than the greatest number in use (by the statement `last`) or, where rows were deleted, ever used."""
    used: int = connection.execute(statement(last)).fetchone()[0]
    kept = connection.execute(statement("meta_value"), (f"last_number.{table}",)).fetchone()
    return max(used, int(kept[0]) if kept else 0) + 1


def keep_number(connection: sqlite3.Connection, last: str, table: str) -> None:
    """Remembers the greatest number, before rows are deleted."""
    number = next_number(connection, last, table) - 1
    connection.execute(statement("set_meta"), (f"last_number.{table}", str(number)))
