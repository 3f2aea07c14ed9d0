"""`otlpd export`: everything in the database as lines of OTLP/JSON, or as Parquet files, while the daemon runs."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note
from otlpd.commands.parquet import check_pyarrow
from otlpd.commands.progress import Progress
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from otlpd.commands.arguments import Commands

_SIGNALS = ("traces", "logs", "metrics")


def add(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write everything as lines of OTLP/JSON or as Parquet; `otlpd import` reads both")
    parser.add_argument(
        "file", metavar="FILE", help="a new file (.gz packs it), or - for standard output; for Parquet a new folder"
    )
    parser.add_argument(
        "--format", choices=("jsonl", "parquet"), default="jsonl", help="lines of OTLP/JSON (default), or a Parquet file a signal"
    )
    parser.add_argument(
        "--signal", action="append", choices=_SIGNALS, help="only this signal; may be given several times; else all three"
    )
    add_settings(parser, ("db",))
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> ExitCode:
    from storage.sqlite.export import count  # noqa: PLC0415  loads protobuf

    parquet = arguments.format == "parquet"
    if parquet:
        check_pyarrow()
    database = configuration_of(arguments, to_serve=False).settings.db
    signals = arguments.signal or _SIGNALS
    target = None if arguments.file == "-" and not parquet else Path(arguments.file)
    if target is not None and target.exists():
        raise CannotStart(ExitCode.USAGE, f"{target} is there already; name a new {'folder' if parquet else 'file'}")
    if not database.exists():
        raise CannotStart(ExitCode.FAILED, f"there is no database {database} to export")
    done = 0
    try:
        total = count(database, signals)
        with Progress("exporting", "records") as progress:

            def told(records: int) -> None:
                nonlocal done
                done += records
                progress(done, total)

            if parquet and target is not None:
                _write_columns(database, target, signals, told)
            else:
                _write_lines(database, target, signals, told)
    except (StoreError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise CannotStart(ExitCode.FAILED, f"the export ended early: {error}") from None
    note(f"{done:,} records")
    return ExitCode.OK


def _write_lines(database: Path, target: Path | None, signals: Sequence[str], told: Callable[[int], None]) -> None:
    from otlpd.json_lines import written  # noqa: PLC0415
    from storage.sqlite.export import export  # noqa: PLC0415

    with written(target) as file:
        for request in export(database, signals, told):
            file.write(request + b"\n")


def _write_columns(database: Path, target: Path, signals: Sequence[str], told: Callable[[int], None]) -> None:
    from otlpd.parquet_files import ParquetFolder  # noqa: PLC0415
    from storage.sqlite.export import export_records  # noqa: PLC0415

    with _new_folder(target) as folder:
        files = ParquetFolder(folder)
        for signal, records in export_records(database, signals):
            files.write(signal, records)
            told(len(records))
        files.close()


@contextlib.contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder that has its name only when everything is in it."""
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
