"""`otlpd restore FILE`: a backup becomes the database; what was there is kept beside it under another name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note, size_text
from otlpd.commands.progress import Progress
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError, StoreInUse

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("restore", help="put a backup in the database's place; refused while a daemon has it")
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `otlpd backup` made")
    add_settings(parser, ("db",))
    parser.set_defaults(run=_restore)


def _restore(arguments: argparse.Namespace) -> ExitCode:
    from storage.sqlite.backup import restore  # noqa: PLC0415

    database = configuration_of(arguments, to_serve=False).settings.db
    try:
        with Progress("copying", "pages") as progress:
            replaced = restore(arguments.file, database, progress)
    except StoreInUse as error:
        raise CannotStart(ExitCode.DATABASE, str(error)) from None
    except StoreError as error:
        raise CannotStart(ExitCode.FAILED, f"nothing was restored: {error}") from None
    copy = replaced.copy
    print(copy.path)
    note(f"restored from {arguments.file}: {size_text(copy.size_bytes)}, {sum(copy.rows.values()):,} rows, no damage")
    if replaced.kept is not None:
        note(f"what was there is kept as {replaced.kept}; remove it when you are content")
    return ExitCode.OK
