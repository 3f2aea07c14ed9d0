"""Proves that docs/schema.md tells the truth: every column that it lists is there, with its type and in its order, none is left
out, and every table and view has its place on the page.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.sqlite.statements import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
SAME_COLUMNS = {"service_minutes": "latency_minutes", "service_hours": "latency_hours"}


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema())
        yield connection


def columns_on_page(section: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| (\w+) \| (text|integer|real|any|blob) \|", section, re.MULTILINE)


def columns_of(database: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    return [(row[1], row[2].lower()) for row in database.execute(f"pragma table_xinfo({table})")]


@pytest.mark.parametrize("table", sorted(SECTIONS))
def test_columns(database: sqlite3.Connection, table: str) -> None:
    assert columns_on_page(SECTIONS[table]) == columns_of(database, table)


@pytest.mark.parametrize(("table", "like"), SAME_COLUMNS.items())
def test_tables_with_the_same_columns(database: sqlite3.Connection, table: str, like: str) -> None:
    assert f"`{table}`" in SECTIONS[like]
    assert columns_of(database, table) == columns_of(database, like)


def test_every_table_and_view_is_on_the_page(database: sqlite3.Connection) -> None:
    rows = database.execute("select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'")
    # An FTS5 index keeps itself in tables of its own.
    names = {name for (name,) in rows if not re.fullmatch(r"\w+_text_\w+", name)}
    assert len(SECTIONS) > 15
    assert sorted(name for name in names if name not in SECTIONS and f"`{name}`" not in PAGE) == []


def test_examples_run(database: sqlite3.Connection) -> None:
    examples = [example for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) for example in block.split(";")]
    for example in filter(str.strip, examples):
        database.execute(example).fetchall()
