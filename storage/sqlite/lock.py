"""The lock beside the database: one daemon a file.

The operating system holds the lock and gives it back when the process dies, however it dies; what is written in the file only
tells who holds it.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import IO, TYPE_CHECKING, Self

from storage.errors import StoreInUse, StoreUnwritable

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        # Beyond the text, which others must be able to read while the lock is held.
        file.seek(2**20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# What the systems say when another process has the lock.
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class FileLock:
    """Holds `<database>.lock`; raises StoreInUse, naming the holder, when another process has it."""

    def __init__(self, database: Path) -> None:
        # By whatever link the database is named, its lock is the same.
        database = database.resolve()
        self.path = database.with_name(database.name + ".lock")
        # The file stays when the lock is given back: removing it would let two processes lock two files of one name.
        try:
            self._file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreUnwritable(f"{self.path} cannot be written: {error}") from error
        try:
            _lock(self._file)
        except OSError as error:
            if error.errno not in _HELD:
                self._file.close()
                raise StoreUnwritable(f"{self.path} cannot be locked, keep the store on a local disk: {error}") from error
            holder = self._holder()
            self._file.close()
            raise StoreInUse(f"{database} is in use by {holder}; stop it, or give this one another --db") from error
        self.describe({"pid": os.getpid()})

    def describe(self, holder: dict[str, object]) -> None:
        """Writes who holds the lock, for the message that the next one gets."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(holder))
        self._file.flush()

    def _holder(self) -> str:
        try:
            self._file.seek(0)
            holder = json.loads(self._file.read(4096))
            return ", ".join(f"{key} {value}" for key, value in holder.items())
        except (OSError, ValueError, AttributeError):
            return "another process"

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
