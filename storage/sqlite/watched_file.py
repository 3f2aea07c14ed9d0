"""Notices when the database file is removed or replaced while it is open.

The operating system keeps a removed file alive for those who have it open: SQLite would go on committing into a file that
nobody can find again, and every acknowledgement would be a loss. Two calls of stat a commit (3 µs) tell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from storage.errors import StoreUnwritable
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3

_Identity = tuple[int, int]


class WatchedFile:
    """The file of a connection and its write-ahead log, as they were when they were first seen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        path: str = connection.execute(statement("database_file")).fetchone()[0]
        self._seen: dict[str, _Identity | None] = {path: _identity(path), f"{path}-wal": None}

    def check(self) -> None:
        """Raises StoreUnwritable when one of the files is not the one that is open."""
        for path, seen in self._seen.items():
            now = _identity(path)
            if seen is None:
                self._seen[path] = now
            elif now != seen:
                raise StoreUnwritable(f"{path} was {'replaced' if now else 'removed'} while otlpd had it open: restart otlpd")


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116  a Path costs as much again as the call
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
