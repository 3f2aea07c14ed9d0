"""What SQLite says when it cannot, sorted into what a store can refuse."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from storage.errors import NotAStore, StoreBusy, StoreError, StoreFull, StoreUnwritable

if TYPE_CHECKING:
    import os

# Primary result codes (https://www.sqlite.org/rescode.html); an extended code has them in its low byte.
_TEMPORARY = {
    sqlite3.SQLITE_BUSY: "another program holds the database's lock; close it there, or wait",
    sqlite3.SQLITE_LOCKED: "another program holds the database's lock; close it there, or wait",
    sqlite3.SQLITE_PROTOCOL: "another program holds the database's lock; close it there, or wait",
    sqlite3.SQLITE_INTERRUPT: "the work on the database was interrupted",
    sqlite3.SQLITE_NOMEM: "memory is short",
}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY: "the database file cannot be written: check its permissions and those of its folder",
    sqlite3.SQLITE_IOERR: "the disk failed under the database: check the disk and the system's log",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged: stop otlpd and restore a backup",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened: check that its folder is there and can be written",
    sqlite3.SQLITE_PERM: "the database file cannot be accessed: check its permissions",
}
# Without room for its index of the log, SQLite speaks of a failing disk.
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}


def concerns_store(error: BaseException) -> bool:
    """Whether the fault lies with the file, the disk or the machine, not with the rows at hand."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, OSError | MemoryError | StoreError)
    code = _code(error)
    primary = code & 0xFF
    return primary in _TEMPORARY or primary in _UNWRITABLE or code in _NO_ROOM or primary == sqlite3.SQLITE_NOTADB


def refusal(error: BaseException, path: str | os.PathLike[str] | None = None) -> StoreError:
    """The refusal to answer with; it does not quote the data."""
    if isinstance(error, StoreError):
        return error
    where = "" if path is None else f"{path}: "
    code = _code(error)
    primary = code & 0xFF
    if code in _NO_ROOM:
        return StoreFull(f"{where}no room is left on the disk for the database", retry_after=5)
    if primary in _TEMPORARY:
        return StoreBusy(f"{where}{_TEMPORARY[primary]}", retry_after=1)
    if primary == sqlite3.SQLITE_NOTADB:
        return NotAStore(f"{where}the file is not an SQLite database; name another one, or move this one away")
    if primary in _UNWRITABLE or isinstance(error, OSError):
        advice = _UNWRITABLE.get(primary, "the operating system refused it")
        return StoreUnwritable(f"{where}{advice} ({error})")
    return StoreError(f"{where}the rows could not be stored: {type(error).__name__}: {error}")


def _code(error: BaseException) -> int:
    """The extended result code; 0 where Python's own checks refused the call before SQLite saw it."""
    if isinstance(error, MemoryError):
        return sqlite3.SQLITE_NOMEM
    return int(getattr(error, "sqlite_errorcode", 0) or 0)
