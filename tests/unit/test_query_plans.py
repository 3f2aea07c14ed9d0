"""Proves that no statement reads a whole table that grows with what is stored: answers must not slow down with the file.

SQLite says how it would run each statement; a scan is allowed only where the table below says why. Statements that are not in
it use an index wherever they touch a table.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from storage.sqlite.statements import all_statements, schema, statement
from tests.unit.test_statements import AnyParameter, single_statements

FEW = "few rows: as many as there are agents, exporters, services or kinds of sums"
MAY_SCAN = {
    "agents_seen": FEW,
    "newest_of_agents": FEW,
    "applied_migrations": FEW,
    "export_positions": FEW,
    "has_exporters": FEW,
    "delete_service_signals": FEW,
    "services_of_signals": FEW,
    "delete_usage_hours": FEW,
    "delete_usage_days": FEW,
    "delete_usage_months": FEW,
    "count_owed": "once, at start",
    "oldest_owed": "the first row of the table",
    "delete_usage_of_no_stream": "as many as there are metric streams with usage; once an hour",
    "metric_usage": "as many as there are metric streams with usage",
    "metric_list": "as many as there are metric streams",
    "streams_by_content": "as many as there are metric streams",
    "resources_of_service": "as many as there are resources",
    "resources_with": "as many as there are resources",
    "scopes_named": "as many as there are scopes",
    "costs_of_facts": "otlpd reprice reads every fact anyway",
    "delete_empty_days": "over a partial index of what is empty",
    "delete_days_without_facts": "over a partial index of what is empty",
    "delete_links_without_facts": "over a partial index of what is empty",
    "delete_sessions_without_facts": "over a partial index of what is empty",
    "delete_turns_of_expired": "over a partial index of what is empty",
    "completeness_counts": "to be counted where facts are written",
    "greatest_facts": "within the range of the question, in the order of an index",
}
NO_PLAN = re.compile(r"\s*(pragma|begin|commit|rollback|vacuum|attach|detach)", re.IGNORECASE)


@pytest.fixture(scope="module")
def database() -> Any:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema())
        connection.execute(
            "create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text)"
        )
        yield connection


def scanned(database: sqlite3.Connection, name: str) -> set[str]:
    """The stored tables of which a statement reads every row; full-text indexes are asked for words."""
    tables = {row[0] for row in database.execute("select name from sqlite_master where type = 'table'")}
    found: set[str] = set()
    for part in single_statements(statement(name)):
        if NO_PLAN.match(part):
            continue
        positional = part.count("?")
        parameters: Any = [None] * positional if positional else AnyParameter()
        steps = [row[3] for row in database.execute(f"explain query plan {part}", parameters)]
        # The name of a table can also be that of a part of the statement, which is worked out first.
        made = {step.split()[1] for step in steps if step.startswith(("CO-ROUTINE", "MATERIALIZE"))}
        scans = [step.split()[1] for step in steps if step.startswith("SCAN ") and "VIRTUAL TABLE" not in step]
        found.update(table for table in scans if table in tables and table not in made)
    return found


@pytest.mark.parametrize("name", sorted(set(all_statements()) - MAY_SCAN.keys()))
def test_a_statement_reads_by_index(name: str, database: sqlite3.Connection) -> None:
    assert scanned(database, name) == set()


@pytest.mark.parametrize("name", sorted(MAY_SCAN))
def test_an_exception_is_still_one(name: str, database: sqlite3.Connection) -> None:
    assert scanned(database, name)
