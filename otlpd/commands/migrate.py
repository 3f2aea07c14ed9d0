"""`otlpd migrate`: brings the database to the schema of this version, or says what that would take.

`otlpd serve` does the same when it starts; the command is for those who want to see first, or to do it in a quiet hour.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.backup import default_folder
from otlpd.commands.output import note
from otlpd.commands.progress import Progress
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from otlpd.commands.arguments import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("migrate", help="bring the database to this version's schema, after a backup")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_settings(parser, ("db",))
    parser.set_defaults(run=_migrate)


def _migrate(arguments: argparse.Namespace) -> ExitCode:
    database = configuration_of(arguments, to_serve=False).settings.db
    from storage.sqlite.faults import refusal  # noqa: PLC0415

    try:
        names = _pending(database)
        if arguments.dry_run:
            return _tell(database, names)
        if names:
            _apply(database)
    except (StoreError, sqlite3.Error, OSError) as error:
        raise CannotStart(ExitCode.DATABASE, str(refusal(error, database))) from None
    for name in names:
        print(name)
    note(f"{database} is up to date" + (f"; applied {len(names)}" if names else ""))
    return ExitCode.OK


def _tell(database: Path, names: list[str]) -> ExitCode:
    for name in names:
        print(name)
    note(f"dry run: {len(names)} to apply to {database}; nothing was changed")
    return ExitCode.OK


def _pending(database: Path) -> list[str]:
    from storage.sqlite.connect import connect_reader  # noqa: PLC0415
    from storage.sqlite.migrate import migration_names, pending  # noqa: PLC0415

    if not database.exists() or not database.stat().st_size:
        return migration_names()
    with contextlib.closing(connect_reader(database)) as reader:
        return pending(reader)


def _apply(database: Path) -> None:
    from storage.sqlite.backup import back_up  # noqa: PLC0415
    from storage.sqlite.connect import connect_writer  # noqa: PLC0415
    from storage.sqlite.lock import FileLock  # noqa: PLC0415
    from storage.sqlite.migrate import migrate  # noqa: PLC0415

    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database):
        if database.exists() and database.stat().st_size:
            with Progress("backing up", "pages") as progress:
                note(f"backed up as {back_up(database, default_folder(database), progress).path}")
        with contextlib.closing(connect_writer(database)) as connection:
            migrate(connection)
