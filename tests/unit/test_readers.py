"""Proves how questions are run: they end at their deadline wherever they spend their time, stop when nobody waits, are bounded
in number, and leave nothing open behind them. Also what opening a file refuses."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from storage.errors import NotAStore, QueryTimeout, StoreBusy, StoreUnwritable
from storage.sqlite.connect import connect_reader, connect_writer
from storage.sqlite.readers import ReadPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from storage.sqlite.connect import Reader


def endless(reader: Reader) -> object:
    """Costs SQLite hours."""
    return reader.execute("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n").fetchone()


def looping(reader: Reader) -> None:
    """Costs Python hours."""
    while True:
        reader.check_time()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose name would mean something else in a URI."""
    found = tmp_path / "ü 50%20 #1?mode=rw&x.db"
    connect_writer(found).close()
    return found


@pytest.mark.parametrize("question", [endless, looping])
async def test_question_ends_at_its_deadline(path: Path, question: Callable[[Reader], Any]) -> None:
    pool = ReadPool(path, threads=1)
    began = time.monotonic()
    with pytest.raises(QueryTimeout):
        await pool.run(question, 0.2)
    assert time.monotonic() - began < 2
    assert await pool.run(lambda reader: reader.execute("select 1").fetchone(), 5) == (1,)
    await pool.close()


async def test_question_that_nobody_waits_for_is_stopped(path: Path) -> None:
    pool = ReadPool(path, threads=1)
    asked = asyncio.create_task(pool.run(endless, 60))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await asyncio.wait_for(pool.run(lambda reader: reader.execute("select 1").fetchone(), 5), 5) == (1,)
    await pool.close()


async def test_too_many_questions_are_refused(path: Path) -> None:
    pool = ReadPool(path, threads=1, most_waiting=1)
    waiting = [asyncio.create_task(pool.run(endless, 0.3)) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(StoreBusy):
        await pool.run(endless, 0.3)
    assert all(isinstance(found, QueryTimeout) for found in await asyncio.gather(*waiting, return_exceptions=True))
    await pool.close()


async def test_question_leaves_no_snapshot_behind(path: Path) -> None:
    """A reader that kept its snapshot open would keep the write-ahead log from being emptied."""
    writer = connect_writer(path)
    writer.execute("create table things (x)")
    writer.execute("insert into things values (1), (2), (3)")
    pool = ReadPool(path, threads=1)
    left: list[Any] = []

    def half_read(reader: Reader) -> None:
        left.append(reader.execute("select * from things"))
        left[0].fetchone()
        raise QueryTimeout("stopped half-way")

    with pytest.raises(QueryTimeout) as stopped:
        await pool.run(half_read, 5)
    writer.execute("insert into things values (4)")
    assert writer.execute("pragma wal_checkpoint(truncate)").fetchone() == (0, 0, 0)
    assert stopped.value.args == ("stopped half-way",)
    await pool.close()
    writer.close()


@pytest.mark.parametrize("connect", [connect_writer, connect_reader])
def test_file_that_is_no_database(tmp_path: Path, connect: Callable[[Path], Any]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but as long as one has to be to be mistaken for it. " * 10)
    before = path.read_bytes()
    with pytest.raises(NotAStore, match=r"notes\.txt"):
        connect(path)
    assert path.read_bytes() == before


def test_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritable):
        connect_writer(tmp_path / "no such folder" / "otlpd.db")
    with pytest.raises(StoreUnwritable):
        connect_reader(tmp_path / "absent.db")
    assert list(tmp_path.iterdir()) == []


def test_reader_cannot_write(path: Path) -> None:
    reader = connect_reader(path)
    with pytest.raises(Exception, match="readonly"):
        reader.execute("create table t (x)")
    reader.close()


def test_settings_of_the_writer(path: Path) -> None:
    writer = connect_writer(path)
    settings = {
        name: writer.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "page_size", "auto_vacuum")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "page_size": 8192, "auto_vacuum": 2}
    writer.close()
