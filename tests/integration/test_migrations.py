"""Proves the two ways to the present schema, and what is refused: a new file and one that went through all migrations are alike,
a migration that fails leaves the old version working, and files of others or of a newer otlpd stay untouched.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlite_utils
from sqlite_utils.migrations import Migrations

from storage.errors import NotAStore, SchemaTooNew, StoreError
from storage.sqlite import migrate
from storage.sqlite.connect import connect_writer
from storage.sqlite.store import SqliteSettings, open_store
from tests.faults.plan import sender
from tests.faults.recount import faults_of
from tests.faults.telemetry import Span, spans_batch

if TYPE_CHECKING:
    from pathlib import Path

LATER = "9999_later"


def normal_schema(path: Path) -> list[tuple[str, str, str]]:
    """Every object's text, without comments and in one spelling of spaces."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("select type, name, coalesce(sql, '') from sqlite_schema order by type, name").fetchall()
    return [(kind, name, re.sub(r"\s+", " ", re.sub(r"--.*", "", text)).strip()) for kind, name, text in rows]


def made_by_history(path: Path) -> None:
    """As an installation that has been there since the first version: one migration after the other."""
    with closing(connect_writer(path)) as connection:
        scripts = {name: migrate._script(name) for name in migrate.migration_names()}
        migrate._apply(Migrations(migrate.SET), sqlite_utils.Database(connection), scripts)


def test_new_and_migrated_are_alike(tmp_path: Path) -> None:
    with closing(connect_writer(tmp_path / "new.db")) as connection:
        assert migrate.migrate(connection) == migrate.migration_names()
        assert migrate.migrate(connection) == []
    made_by_history(tmp_path / "migrated.db")
    assert len(normal_schema(tmp_path / "new.db")) > 30
    assert normal_schema(tmp_path / "new.db") == normal_schema(tmp_path / "migrated.db")


def test_names_are_in_order() -> None:
    names = migrate.migration_names()
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", name) for name in names)


class Release:
    """Which migrations the program knows: the present ones, and after `next` one more with the text `script`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script = ""
        self._patch = monkeypatch
        self._known = migrate.migration_names()
        text_of = migrate._script
        monkeypatch.setattr(migrate, "_script", lambda name: self.script if name == LATER else text_of(name))

    def present(self) -> None:
        self._patch.setattr(migrate, "migration_names", lambda: self._known)

    def next(self, script: str) -> None:
        self.script = script
        self._patch.setattr(migrate, "migration_names", lambda: [*self._known, LATER])


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    return Release(monkeypatch)


def old_file(path: Path) -> Path:
    """As the present release leaves it, with a span."""
    with closing(connect_writer(path)) as connection:
        migrate.migrate(connection)
    with sender(path) as one:
        one.send(spans_batch([Span(1, 1)]))
    return path


def test_old_file_gets_what_it_lacks(tmp_path: Path, release: Release) -> None:
    path = old_file(tmp_path / "old.db")
    release.next("create table more (a integer) strict; insert into more values (7);")
    with closing(connect_writer(path)) as connection:
        assert migrate.migrate(connection) == [LATER]
        assert connection.execute("select a from more").fetchall() == [(7,)]
        assert migrate.pending(connection) == []


@pytest.mark.parametrize("fault", ["select no_such_column from spans;", "not SQL at all;"])
async def test_migration_that_fails_leaves_the_old_version_working(tmp_path: Path, release: Release, fault: str) -> None:
    """Nothing of it is left, whatever it did before it failed; the old program goes on."""
    path = old_file(tmp_path / "old.db")
    before = normal_schema(path)
    release.next(f"create table more (a integer) strict; alter table span_rows add column b text; drop view events; {fault}")
    with pytest.raises(StoreError, match=r"left as it was: .*(no_such_column|syntax error)"):
        await open_store(SqliteSettings(path))
    assert normal_schema(path) == before
    release.present()
    store = await open_store(SqliteSettings(path))
    await store.write(spans_batch([Span(1, 2)]))
    await store.aclose()
    assert faults_of(path) == []


def test_new_file_is_made_whole_or_not_at_all(tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between two migrations of a new file leaves nothing half done."""
    step = migrate._step
    release.next("")
    monkeypatch.setattr(migrate, "_step", lambda name, text: step(name, "nonsense" if name == LATER else text))
    with closing(connect_writer(tmp_path / "new.db")) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate.migrate(connection)
        monkeypatch.setattr(migrate, "_step", step)
        assert migrate.migrate(connection) == migrate.migration_names()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def refused(path: Path, error: type[Exception], text: str) -> None:
    """The file is byte for byte what it was, and nobody holds it."""
    before = digest(path)
    with pytest.raises(error, match=text):
        await open_store(SqliteSettings(path))
    assert digest(path) == before
    assert not path.with_name(path.name + "-wal").exists()


async def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = old_file(tmp_path / "newer.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values (?, ?, 'tomorrow')", (migrate.SET, LATER)
        )
    with pytest.raises(SchemaTooNew, match=LATER):
        await open_store(SqliteSettings(path))


@pytest.mark.parametrize(
    "content", [b"this is a letter, not a database, and long enough to be read as one" * 20, b"SQLite format 3\0" + b"\xff" * 600]
)
async def test_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.db").write_bytes(content)
    await refused(tmp_path / "letter.db", NotAStore, "not an SQLite database")


PEOPLE = "create table people (name)"
PEOPLE_MIGRATED = f"""
create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text);
insert into _sqlite_migrations values (1, 'theirs', 'm1', 'now');
{PEOPLE};
"""


@pytest.mark.parametrize("script", [PEOPLE, PEOPLE_MIGRATED])
async def test_database_of_another_program_is_refused(tmp_path: Path, script: str) -> None:
    """Also when that program keeps its migrations in the same way."""
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        connection.executescript(script)
    await refused(tmp_path / "people.db", NotAStore, "not one of otlpd's")


async def test_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As `mktemp` or a container's mount leaves it."""
    (tmp_path / "empty.db").touch()
    store = await open_store(SqliteSettings(tmp_path / "empty.db"))
    await store.write(spans_batch([Span(1, 1)]))
    await store.aclose()
    assert faults_of(tmp_path / "empty.db") == []
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        assert connection.execute("pragma auto_vacuum").fetchone() == (2,)
