"""Proves that every SQL statement has a name that something uses, that no use lacks its statement, and that SQLite can
prepare each of them against the schema: a misspelt column or a missing table shows here, not in service."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import storage.sqlite
from storage.sqlite.statements import all_statements, schema, statement

ENGINE = Path(storage.sqlite.__file__).parent
NAME = re.compile(r"""["'](\w+)["']""")
COMPOSED = re.compile(r"""f["']((?:\{\w+\})?[a-z_]{5,}(?:\{\w+\})?|\{\w+\}_by_\{\w+\})["']""")
DIRECT_USE = re.compile(r"""\b(?:statement|rows|insert_many)\((?:[\w.]+, )?["'](\w+)["']""")


def sources() -> str:
    return "\n".join(path.read_text() for path in sorted(ENGINE.rglob("*.py")))


def test_every_statement_is_used() -> None:
    """A name counts as used where it stands quoted in the engine, or where the name that is asked for is put together like it."""
    text = sources()
    quoted = set(NAME.findall(text))
    patterns = [re.compile(re.sub(r"\{\w+\}", r"\\w*", name)) for name in COMPOSED.findall(text)]
    unused = [name for name in all_statements() if name not in quoted and not any(known.fullmatch(name) for known in patterns)]
    assert unused == []


def test_every_use_has_its_statement() -> None:
    used = set(DIRECT_USE.findall(sources()))
    assert len(used) > 20
    assert used - set(all_statements()) == set()


class AnyParameter(dict[str, Any]):
    def __missing__(self, name: str) -> None:
        return None


@pytest.fixture(scope="module")
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema())
    connection.execute("create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text)")
    return connection


def single_statements(text: str) -> list[str]:
    return [part for part in text.split(";") if part.strip()]


@pytest.mark.parametrize("name", sorted(all_statements()))
def test_statement_fits_the_schema(name: str, database: sqlite3.Connection) -> None:
    for part in single_statements(statement(name)):
        positional = part.count("?")
        parameters: Any = [None] * positional if positional else AnyParameter()
        assert database.execute(f"explain {part}", parameters).fetchone() is not None or part.lstrip().startswith("pragma")


def test_parts_are_put_in_place() -> None:
    left = {name: re.findall(r"\{\w+\}", text) for name, text in all_statements().items()}
    assert {name: found for name, found in left.items() if found} == {}


def test_no_other_file_opens_the_database() -> None:
    """`sqlite3.connect` stands in connect.py only, so every connection has the settings that the promises rest on."""
    openers = defaultdict(list)
    for path in ENGINE.parent.rglob("*.py"):
        if "sqlite3.connect(" in path.read_text():
            openers["sqlite3.connect"].append(path.name)
    assert openers["sqlite3.connect"] == ["connect.py"]
