"""`otlpd backup`: a verified copy of the database, while the daemon runs; the oldest copies go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note, size_text
from otlpd.commands.progress import Progress
from otlpd.commands.words import positive
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands

KEEP = 7


def add(commands: Commands) -> None:
    parser = commands.add_parser("backup", help="copy the database while the daemon runs, verify the copy, remove the oldest")
    parser.add_argument("--to", metavar="DIR", type=Path, help="where copies go; else the folder `backups` beside the database")
    parser.add_argument(
        "--keep", metavar="N", type=positive, default=KEEP, help=f"how many copies are kept, this one included (default {KEEP})"
    )
    add_settings(parser, ("db",))
    parser.set_defaults(run=_back_up)


def default_folder(database: Path) -> Path:
    return database.with_name("backups")


def _back_up(arguments: argparse.Namespace) -> ExitCode:
    from storage.sqlite.backup import back_up, rotate  # noqa: PLC0415  loads SQLite's helpers

    database = configuration_of(arguments, to_serve=False).settings.db
    folder = arguments.to or default_folder(database)
    try:
        with Progress("copying", "pages") as progress:
            copy = back_up(database, folder, progress)
    except StoreError as error:
        raise CannotStart(ExitCode.FAILED, f"no backup was made: {error}") from None
    removed = rotate(database, folder, arguments.keep)
    print(copy.path)
    note(f"verified: {size_text(copy.size_bytes)}, {sum(copy.rows.values()):,} rows in {len(copy.rows)} tables, no damage")
    if removed:
        note(f"removed {len(removed)} older: {', '.join(path.name for path in removed)}")
    return ExitCode.OK
