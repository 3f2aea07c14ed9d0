"""`otlpd export`: everything in the database as lines of OTLP/JSON, while the daemon runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note
from otlpd.commands.progress import Progress
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands

_SIGNALS = ("traces", "logs", "metrics")


def add(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write everything as lines of OTLP/JSON, which `otlpd import jsonl` reads")
    parser.add_argument("file", metavar="FILE", help="a new file (.gz packs it), or - for standard output")
    parser.add_argument(
        "--signal", action="append", choices=_SIGNALS, help="only this signal; may be given several times; else all three"
    )
    add_settings(parser, ("db",))
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> ExitCode:
    from otlpd.json_lines import written  # noqa: PLC0415  loads protobuf
    from storage.sqlite.export import count, export  # noqa: PLC0415

    database = configuration_of(arguments, to_serve=False).settings.db
    signals = arguments.signal or _SIGNALS
    target = None if arguments.file == "-" else Path(arguments.file)
    if target is not None and target.exists():
        raise CannotStart(ExitCode.USAGE, f"{target} is there already; name a new file")
    if not database.exists():
        raise CannotStart(ExitCode.FAILED, f"there is no database {database} to export")
    done = 0
    try:
        total = count(database, signals)
        with Progress("exporting", "records") as progress, written(target) as file:

            def told(records: int) -> None:
                nonlocal done
                done += records
                progress(done, total)

            for request in export(database, signals, told):
                file.write(request + b"\n")
    except (StoreError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise CannotStart(ExitCode.FAILED, f"the export ended early: {error}") from None
    note(f"{done:,} records")
    return ExitCode.OK
