"""`otlpd import`: the databases of older systems, or lines of OTLP/JSON, become part of the database.

An old file is only read. Before the first row is written the database is backed up. Run again, it adds what is new.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.backup import default_folder
from otlpd.commands.output import note
from otlpd.commands.parquet import check_pyarrow
from otlpd.commands.progress import Progress
from otlpd.config import row_settings
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError, StoreInUse

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands
    from otlpd.commands.import_runs import Report
    from otlpd.importing import Figures
    from otlpd.settings import Settings
    from storage.rows.settings import RowSettings

_WHAT = {
    "cylestio": "events of Cylestio's servers",
    "metrics": "samples of the device metrics collection",
    "runs": "runs of the telemetry API, schemas 5, 6 and 7",
    "jsonl": "lines of OTLP/JSON, as `otlpd export` and the Collector's file exporter write them (.gz too)",
    "parquet": "the Parquet files of `otlpd export --format parquet`: a folder, or one file",
}


def add(commands: Commands) -> None:
    parser = commands.add_parser("import", help="take over an older system's database, or an export")
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    for kind, what in _WHAT.items():
        word = kinds.add_parser(kind, help=what)
        word.add_argument("file", metavar="FILE", type=Path)
        word.add_argument("--dry-run", action="store_true", help="read and judge every record, and change nothing")
        word.add_argument("--no-backup", action="store_true", help="do not back the database up first")
        add_settings(word, ("db", "max_age_days", "content", "content_length", "content_masks", "prices"))
        word.set_defaults(run=_import, kind=kind)


def _import(arguments: argparse.Namespace) -> ExitCode:
    settings = configuration_of(arguments, to_serve=False).settings
    if arguments.kind == "parquet":
        check_pyarrow()
    rows = _row_settings(settings)
    importer = _IMPORTERS.get(arguments.kind, _import_rows)
    try:
        _back_up_first(arguments, settings.db)
        figures = importer(arguments, settings.db, rows)
    except StoreInUse as error:
        raise CannotStart(ExitCode.DATABASE, str(error)) from None
    except (StoreError, OSError) as error:
        raise CannotStart(ExitCode.FAILED, f"the import ended early, and can be run again: {error}") from None
    _tell(figures, dry_run=arguments.dry_run)
    _warn_of_retention(figures, settings.max_age_days)
    return ExitCode.FAILED if figures.refused else ExitCode.OK


def _row_settings(settings: Settings) -> RowSettings:
    from storage.rows.settings import PriceFileError  # noqa: PLC0415

    try:
        return row_settings(settings)
    except PriceFileError as error:
        raise CannotStart(ExitCode.USAGE, f"prices: {error}") from None


def _back_up_first(arguments: argparse.Namespace, database: Path) -> None:
    """Under the lock, so that a running daemon is told of before anything is copied."""
    from storage.sqlite.backup import back_up  # noqa: PLC0415
    from storage.sqlite.lock import FileLock  # noqa: PLC0415

    if arguments.dry_run or not database.exists():
        return
    with FileLock(database):
        if not arguments.no_backup:
            with Progress("backing up", "pages") as progress:
                note(f"backed up as {back_up(database, default_folder(database), progress).path}")


def _import_rows(arguments: argparse.Namespace, database: Path, rows: RowSettings) -> Figures:
    from otlpd.commands.import_runs import report_of  # noqa: PLC0415
    from otlpd.importing import Source, import_all, rows_maker  # noqa: PLC0415
    from receiver.vendors.old_rows import UnknownOldFile, documents, table_of  # noqa: PLC0415
    from storage.sqlite.foreign import ForeignFile  # noqa: PLC0415

    with ForeignFile(arguments.file) as file:
        try:
            total = file.count(table_of(arguments.kind, file))
        except UnknownOldFile as error:
            raise CannotStart(ExitCode.USAGE, f"{arguments.file}: {error}") from None
        report: Report | None = report_of(file, total, dry_run=arguments.dry_run) if arguments.kind == "runs" else None
        if report:
            report.begin()
        with Progress("reading" if arguments.dry_run else "importing", "rows") as progress:
            shown = report.watched(progress) if report else progress
            source = Source(documents(arguments.kind, file), rows_maker(arguments.kind, rows), total)
            figures = asyncio.run(import_all(None if arguments.dry_run else database, source, shown, rows))
        if report:
            report.end(figures)
    return figures


def _import_lines(arguments: argparse.Namespace, database: Path, rows: RowSettings) -> Figures:
    from otlpd.importing import Source, import_all, lines_maker  # noqa: PLC0415
    from otlpd.json_lines import read_lines  # noqa: PLC0415

    with Progress("reading" if arguments.dry_run else "importing", "lines") as progress:
        source = Source(read_lines(arguments.file), lines_maker(rows), group_records=4)
        return asyncio.run(import_all(None if arguments.dry_run else database, source, progress, rows))


def _import_columns(arguments: argparse.Namespace, database: Path, rows: RowSettings) -> Figures:
    from otlpd.importing import Source, columns_maker, import_all  # noqa: PLC0415
    from otlpd.parquet_files import NotReadable, count_rows, read_columns  # noqa: PLC0415

    try:
        total = count_rows(arguments.file)
        with Progress("reading" if arguments.dry_run else "importing", "records") as progress:
            source = Source(read_columns(arguments.file), columns_maker(rows), total, group_records=2)
            return asyncio.run(import_all(None if arguments.dry_run else database, source, progress, rows))
    except NotReadable as error:
        raise CannotStart(ExitCode.USAGE, str(error)) from None


_IMPORTERS = {"jsonl": _import_lines, "parquet": _import_columns}


def _tell(figures: Figures, *, dry_run: bool) -> None:
    for fault in figures.faults:
        note(f"left out: {fault}")
    if figures.refused > len(figures.faults):
        note(f"... and {figures.refused - len(figures.faults)} more")
    done = "would be taken over" if dry_run else "taken over"
    there = "" if dry_run else f": {figures.stored:,} rows stored, {figures.known:,} were there already"
    if figures.facts_owed:
        note("what agents did in them (calls, runs, sessions) is worked out while `otlpd serve` runs next")
    note(f"{figures.records - figures.refused:,} of {figures.records:,} records {done}{there}")


def _warn_of_retention(figures: Figures, max_age_days: float | None) -> None:
    """Points go by their own time; spans and log records by that of their receipt, which is now."""
    if max_age_days is not None and figures.first_time and figures.first_time < time.time_ns() - max_age_days * 86_400 * 10**9:
        note(
            f"NOTE: some points are older than max_age_days ({max_age_days:g}): the next `otlpd serve` removes them from the "
            "metrics (their records stay). Set OTLPD_MAX_AGE_DAYS=none, or more days, to keep them"
        )
