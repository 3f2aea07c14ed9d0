"""Whole copies of the database file: made while a daemon writes, verified before they count, put back in one step.

A copy is of one moment: the reader holds a snapshot, so commits go on meanwhile and do not reach it (the write-ahead log grows
until the copy is done). It has no journal beside it, and carries its final name only when it is whole, verified and on disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlite_utils

from storage.errors import StoreError, StoreFull, StoreUnwritable
from storage.sqlite.connect import connect_plain, connect_reader, connect_writer
from storage.sqlite.faults import refusal
from storage.sqlite.lock import FileLock
from storage.sqlite.migrate import pending
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from storage.sqlite.connect import Reader

    # Pages copied so far, and all of them.
    Progress = Callable[[int, int], None]

PAGES_AT_ONCE = 2_048
# What must stay free beside a copy, for the write-ahead log of a daemon that goes on.
SPARE_BYTES = 64 * 2**20
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Copy:
    """A verified copy; `rows` counts every table."""

    path: Path
    size_bytes: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a restore put in place, and where the file that was there lies now."""

    copy: Copy
    kept: Path | None


def back_up(database: Path, folder: Path, progress: Progress | None = None, now: Callable[[], float] = time.time) -> Copy:
    """A copy in `folder`, named after the database and the time. Raises StoreError; then nothing is left behind."""
    if not database.is_file():
        raise StoreUnwritable(f"there is no database {database} to back up")
    moment = datetime.fromtimestamp(now(), UTC).strftime(_TIME)
    target = folder / f"{database.stem}-{moment}{database.suffix}"
    with _faults(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            raise StoreUnwritable(f"{target} is there already; a backup a second is the most there can be")
        return _copied(database, target, progress)


def rotate(database: Path, folder: Path, keep: int) -> list[Path]:
    """Removes the oldest backups of this database beyond the newest `keep`, and names them."""
    old = backups(database, folder)[:-keep] if keep else []
    for path in old:
        path.unlink(missing_ok=True)
    return old


def backups(database: Path, folder: Path) -> list[Path]:
    """Those of this database, oldest first; a file of another name is never taken for one."""
    prefix, suffix = f"{database.stem}-", database.suffix
    return sorted(path for path in folder.glob(f"*{suffix}") if _is_backup(path, prefix, suffix))


def restore(source: Path, database: Path, progress: Progress | None = None) -> Replaced:
    """Puts a copy of `source` in the place of the database. Raises StoreInUse while a daemon has it.

    The source is verified first. Killed at any moment, the old file or the new one is in place, whole.
    """
    if source.resolve() == database.resolve():
        raise StoreUnwritable("the backup to restore is the database itself; name a copy of it")
    with _faults(database.parent):
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(database):
            verify(source)
            new = _copied(source, database.with_name(f"{database.name}.restoring"), progress)
            kept = _set_aside(database) if database.exists() else None
            new.path.replace(database)
            _sync_folder(database.parent)
            return Replaced(Copy(database, new.size_bytes, new.rows), kept)


def verify(path: Path) -> dict[str, int]:
    """The rows of every table of a whole file of otlpd's; raises NotAStore, SchemaTooNew, StoreUnwritable."""
    if not path.is_file():
        raise StoreUnwritable(f"there is no file {path}")
    with _faults(path), contextlib.closing(connect_reader(path)) as reader:
        pending(reader)
        faults = damage(reader)
        if faults:
            raise StoreUnwritable(f"{path} is damaged: {'; '.join(faults)}")
        return _rows(reader)


def damage(reader: Reader) -> list[str]:
    """What SQLite's own check of the whole file finds, the first twenty."""
    try:
        found = [str(row[0]) for row in reader.execute(statement("integrity"))]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return [str(error)]
    return [] if found == ["ok"] else found


def _copied(source: Path, target: Path, progress: Progress | None) -> Copy:
    partial = target.with_name(f"{target.name}.partial")
    _check_room(source, target.parent)
    try:
        rows = _copy_pages(source, partial, progress)
        if (found := verify(partial)) != rows:
            different = sorted(name for name in rows if found.get(name) != rows[name])
            raise StoreUnwritable(f"the copy has other rows than the database in {', '.join(different)}")
        shutil.copymode(source, partial)
        _sync(partial)
        partial.replace(target)
        _sync_folder(target.parent)
    finally:
        for leftover in (partial, *_journals(partial)):
            leftover.unlink(missing_ok=True)
    return Copy(target, target.stat().st_size, rows)


def _copy_pages(source: Path, target: Path, progress: Progress | None) -> dict[str, int]:
    def told(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    target.unlink(missing_ok=True)
    with contextlib.closing(connect_reader(source)) as reader, contextlib.closing(connect_plain(target)) as copy:
        reader.begin()
        reader.execute(statement("hold_snapshot")).fetchone()
        rows = _rows(reader)
        reader.backup(copy, pages=PAGES_AT_ONCE, progress=told)
        reader.end()
        copy.execute(statement("single_file")).fetchone()
    return rows


def _rows(reader: Reader) -> dict[str, int]:
    database = sqlite_utils.Database(reader)
    return {name: database[name].count for (name,) in reader.execute(statement("table_names")).fetchall()}


def _check_room(source: Path, folder: Path) -> None:
    needed = source.stat().st_size + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreFull(f"{folder} has {free >> 20} MiB free, and a copy of {source} needs {needed >> 20} MiB; make room there")


def _set_aside(database: Path) -> Path:
    """A second name for the file that is there, with all that was committed in it; its log must not meet the new file."""
    stamp = datetime.now(UTC).strftime(_TIME)
    kept = database.with_name(f"{database.name}.before-restore-{stamp}")
    with contextlib.suppress(StoreError, sqlite3.Error), contextlib.closing(connect_writer(database)) as connection:
        connection.execute(statement("drain_log")).fetchall()
    for journal in _journals(database):
        if journal.exists():  # the file is damaged, or SQLite would have taken it away
            journal.rename(journal.with_name(journal.name.replace(database.name, kept.name, 1)))
    try:
        kept.hardlink_to(database)
    except OSError:  # file systems without links
        shutil.copy2(database, kept)
    _sync_folder(database.parent)
    return kept


def _journals(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal"))


def _is_backup(path: Path, prefix: str, suffix: str) -> bool:
    if not path.name.startswith(prefix):
        return False
    try:
        datetime.strptime(path.name[len(prefix) : len(path.name) - len(suffix)], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes names durable, where the system knows folders as files."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _faults(place: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise refusal(error, place) from error
