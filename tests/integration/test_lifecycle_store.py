"""Proves how a store begins and ends: one process a file, by name and by any other name of it; nothing is left behind by one
that was closed, refused or killed.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.errors import NotAStore, StoreInUse
from storage.sqlite.lock import FileLock
from storage.sqlite.store import SqliteSettings, open_store
from tests.faults.recount import faults_of, told
from tests.faults.telemetry import Span, spans_batch

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from storage.sqlite.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.describe({"pid": 4711, "api": "http://127.0.0.1:8000"})
print("held", flush=True)
time.sleep(60)
"""


async def test_second_opening_is_refused_naming_the_first(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    store = await open_store(SqliteSettings(path))
    store.describe_holder({"pid": os.getpid(), "api": "http://127.0.0.1:8000"})
    with pytest.raises(StoreInUse, match=rf"in use by pid {os.getpid()}, api http://127.0.0.1:8000"):
        await open_store(SqliteSettings(path))
    await store.write(spans_batch([Span(1, 1)]))
    await store.aclose()
    again = await open_store(SqliteSettings(path))
    await again.aclose()
    assert len(told(path)["spans"]) == 1


async def test_link_to_the_file_is_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    store = await open_store(SqliteSettings(path))
    (tmp_path / "other.db").symlink_to(path)
    with pytest.raises(StoreInUse):
        await open_store(SqliteSettings(tmp_path / "other.db"))
    await store.aclose()


def test_lock_does_not_survive_the_death_of_its_holder(tmp_path: Path) -> None:
    """kill -9: what is written in the file names a process that is no more, and keeps nobody out."""
    path = tmp_path / "one.db"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path), str(ROOT)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreInUse, match="pid 4711, api"):
            FileLock(path)
        holder.kill()
    FileLock(path).release()


@pytest.mark.parametrize("text", ["", "{", "[1]", "x" * 10_000])
def test_holder_that_cannot_be_named(tmp_path: Path, text: str) -> None:
    """A lock file that another hand wrote into is still a lock."""
    with FileLock(tmp_path / "one.db") as lock:
        lock.path.write_text(text)
        with pytest.raises(StoreInUse, match="another process"):
            FileLock(tmp_path / "one.db")


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> list[str]:
    """Without those of the event loop's own pool, which it keeps."""
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio")]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files where the system lists them")
async def test_opening_and_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    """Rounds of open, write, ask, close, and of openings that are refused: as many files and threads as before."""
    path, letter = tmp_path / "one.db", tmp_path / "letter.db"
    letter.write_bytes(b"no database" * 100)

    async def round_(number: int) -> None:
        store = await open_store(SqliteSettings(path))
        await store.write(spans_batch([Span(1, number)]))
        assert await store.trace("0" * 32) is None
        listening = store.listen()
        await store.aclose()
        await store.aclose()
        assert [news async for news in listening] == []
        with pytest.raises(NotAStore):
            await open_store(SqliteSettings(letter))

    await round_(1)
    before = descriptors(), threads()
    for number in range(2, 22):
        await round_(number)
    assert (descriptors(), threads()) == before
    assert faults_of(path) == []
    assert not path.with_name("one.db-wal").exists()


async def test_folder_is_made(tmp_path: Path) -> None:
    store = await open_store(SqliteSettings(tmp_path / "a" / "b" / "one.db"))
    await store.aclose()
    assert (tmp_path / "a" / "b" / "one.db").exists()
