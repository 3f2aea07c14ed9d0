"""Brings a database file to the present schema.

A new file gets schema.sql at once and all migrations noted as done; an old file gets the migrations it lacks, each in one
transaction together with its note (sqlite-utils Migrations). A test proves that both ways lead to the same schema.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import sqlite_utils
from sqlite_utils.migrations import Migrations

from storage.errors import NotAStore, SchemaTooNew
from storage.sqlite.statements import schema, statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

SET = "otlpd"
MIGRATIONS_TABLE = Migrations.migrations_table


def migration_names() -> list[str]:
    """The names of all migrations, oldest first."""
    folder = files(__package__).joinpath("migrations")
    return sorted(entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql"))


def pending(connection: sqlite3.Connection) -> list[str]:
    """The migrations that the file still lacks; raises NotAStore and SchemaTooNew."""
    applied = _applied(connection)
    known = migration_names()
    newer = sorted(set(applied) - set(known))
    if newer:
        raise SchemaTooNew(f"the database was written by a newer otlpd (its schema has {newer[-1]}); install that one")
    return [name for name in known if name not in applied]


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Applies what is pending and names it. The connection is the writer's, outside of a transaction."""
    names = pending(connection)
    if not names:
        return []
    database = sqlite_utils.Database(connection)
    migrations = Migrations(SET)
    if len(names) < len(migration_names()):
        _apply(migrations, database, {name: _script(name) for name in names})
        return names
    # All in one transaction: schema.sql with only some of its migrations noted as done would be neither old nor new.
    with database.atomic():
        _apply(migrations, database, {name: schema() if name == names[0] else "" for name in names})
    return names


def _apply(migrations: Migrations, database: sqlite_utils.Database, scripts: Mapping[str, str]) -> None:
    for name, script in scripts.items():
        migrations(name=name)(_step(name, script))
    migrations.apply(database)


def _applied(connection: sqlite3.Connection) -> list[str]:
    tables = {row[0] for row in connection.execute(statement("table_names"))}
    if not tables:
        return []
    applied = []
    if MIGRATIONS_TABLE in tables:
        applied = [row[0] for row in connection.execute(statement("applied_migrations"), (SET,))]
    if not applied and tables != {MIGRATIONS_TABLE}:
        raise NotAStore("the file is an SQLite database, but not one of otlpd's; name another file with --db")
    return applied


def _script(name: str) -> str:
    return files(__package__).joinpath("migrations", f"{name}.sql").read_text(encoding="utf-8")


def _step(name: str, script: str) -> Callable[[sqlite_utils.Database], None]:
    def step(database: sqlite_utils.Database) -> None:
        database.executescript(script)

    step.__name__ = name
    return step
