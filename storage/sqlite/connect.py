"""The one place that opens the database file: the writer's connection, and the readers', which cannot write.

A reader carries the deadline of the question it works on. SQLite asks for it every few thousand steps, and Python code that
loops over rows asks with `check_time`, so that a costly question ends wherever it spends its time.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from storage.errors import QueryTimeout, StoreError, StoreUnwritable
from storage.sqlite.faults import refusal
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

MINIMUM_SQLITE = (3, 38, 0)  # the operators -> and ->>
STEPS_BETWEEN_CHECKS = 20_000  # 1 to 20 ms of work; each check has to wait for the interpreter lock
NOTHING: Mapping[str, Any] = {}


class Reader(sqlite3.Connection):
    """A read-only connection that answers one question at a time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: float | None = None
        self._cancelled = threading.Event()
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        # What a question has read and may want again, until its end.
        self.kept: dict[object, Any] = {}
        self.set_progress_handler(self._must_stop, STEPS_BETWEEN_CHECKS)

    def execute(self, text: str, parameters: Any = (), /) -> sqlite3.Cursor:
        cursor = super().execute(text, parameters)
        self._cursors.add(cursor)
        return cursor

    def rows(self, name: str, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        """The rows of the statement `name`, which answers them as one JSON array.

        Python's sqlite3 gives up the interpreter lock at every row and may wait a switch interval to have it back; one row
        that holds a thousand costs one wait.
        """
        (text,) = self.execute(statement(name), parameters).fetchone()
        rows: list[Any] = orjson.loads(text)
        return rows

    def begin(self, deadline: float | None = None) -> None:
        """Opens a snapshot for one question; `deadline` is a value of time.monotonic()."""
        self._deadline = deadline
        self._cancelled.clear()
        self.execute(statement("begin_reading"))

    def end(self) -> None:
        """Closes the snapshot. Cursors that an exception still refers to would keep it, and the WAL with it, open."""
        self._deadline = None
        self._cancelled.clear()
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()
        self.kept.clear()
        if self.in_transaction:
            self.execute(statement("end_reading"))

    def cancel(self) -> None:
        """Ends the running question early. May be called from another thread."""
        self._cancelled.set()
        self.interrupt()

    def check_time(self) -> None:
        """Raises QueryTimeout when the deadline has passed."""
        if self._must_stop():
            raise self.timeout()

    def timeout(self) -> StoreError:
        return QueryTimeout("the question took longer than its deadline; ask for a narrower start and end, or fewer filters")

    def _must_stop(self) -> bool:
        return self._cancelled.is_set() or (self._deadline is not None and time.monotonic() > self._deadline)


def connect_writer(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """The connection that writes, in WAL mode with every commit on disk; the file is created when there is none."""
    _check_version()
    connection: sqlite3.Connection = _open(path, "rwc", sqlite3.Connection)
    _configure(connection, "configure_writer", path)
    (mode,) = connection.execute(statement("journal_mode")).fetchone()
    if mode != "wal":
        connection.close()
        raise StoreUnwritable(f"{path}: this file system cannot hold SQLite's write-ahead log; keep the store on a local disk")
    return connection


def connect_reader(path: str | os.PathLike[str]) -> Reader:
    """A connection that can only read an existing file."""
    _check_version()
    connection: Reader = _open(path, "ro", Reader)
    _configure(connection, "configure_reader", path)
    return connection


def connect_plain(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """A connection to a file that nobody else knows yet, as SQLite has it by itself."""
    connection: sqlite3.Connection = _open(path, "rwc", sqlite3.Connection)
    return connection


def _open(path: str | os.PathLike[str], mode: str, factory: type[Any]) -> Any:
    # as_uri escapes what means something in a URI ("?", "#", "%"); a URI also keeps names like ":memory:" plain files.
    address = f"{Path(path).absolute().as_uri()}?mode={mode}"
    try:
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, factory=factory)
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def _configure(connection: sqlite3.Connection, settings: str, path: str | os.PathLike[str]) -> None:
    try:
        for setting in statement(settings).split(";"):
            _drain(connection.execute(setting))
        _drain(connection.execute(statement("journal_mode")))
    except sqlite3.Error as error:
        connection.close()
        raise refusal(error, path) from error


def _drain(rows: Iterable[Any]) -> None:
    for _ in rows:
        pass


def _check_version() -> None:
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        needed = ".".join(map(str, MINIMUM_SQLITE))
        raise StoreError(f"this Python has SQLite {sqlite3.sqlite_version}; otlpd needs {needed} or newer")
