"""What SQLite says when it cannot, sorted into what a store can refuse."""

from __future__ import annotations

import sqlite3

from storage.errors import StoreBusy, StoreError, StoreFull, StoreUnwritable

# Primary result codes (https://www.sqlite.org/rescode.html); an extended code has them in its low byte.
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_FULL = {sqlite3.SQLITE_FULL}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY: "the database file cannot be written: check its permissions and those of its folder",
    sqlite3.SQLITE_IOERR: "the disk failed while the database was written: check the disk, then `otlpd check`",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged: stop otlpd and restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened: check that its folder is there and can be written",
    sqlite3.SQLITE_PERM: "the database file cannot be accessed: check its permissions",
}


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code; 0 where Python's own checks refused the call before SQLite saw it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def concerns_store(error: BaseException) -> bool:
    """Whether the fault lies with the file or the disk, not with the rows at hand."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, OSError | MemoryError)
    code = primary_code(error)
    return code in _BUSY or code in _FULL or code in _UNWRITABLE or code == sqlite3.SQLITE_NOMEM


def refusal(error: BaseException) -> StoreError:
    """The refusal to answer with; it does not quote the data."""
    code = primary_code(error) if isinstance(error, sqlite3.Error) else 0
    if code in _BUSY:
        return StoreBusy("another program holds the database's write lock; it will be tried again", retry_after=1)
    if code in _FULL:
        return StoreFull("no room is left on the disk for the database", retry_after=5)
    if code in _UNWRITABLE:
        return StoreUnwritable(f"{_UNWRITABLE[code]} ({error})")
    if isinstance(error, MemoryError) or code == sqlite3.SQLITE_NOMEM:
        return StoreBusy("memory is short", retry_after=5)
    return StoreError(f"the rows could not be stored: {type(error).__name__}: {error}")
