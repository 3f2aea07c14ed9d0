"""`otlpd reprice`: works out the cost of all kept model calls anew, with today's prices and the file of your own.

otlpd must not be running: a daemon that is running has the database to itself.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note
from otlpd.commands.progress import Progress
from otlpd.exit_codes import CannotStart, ExitCode
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from otlpd.commands.arguments import Commands
    from storage.facts.costs import Prices
    from storage.sqlite.facts.reprice import Costs


def add(commands: Commands) -> None:
    parser = commands.add_parser("reprice", help="work out the cost of all kept model calls anew")
    add_settings(parser, ("db", "prices"))
    parser.set_defaults(run=_reprice)


def _reprice(arguments: argparse.Namespace) -> ExitCode:
    settings = configuration_of(arguments, to_serve=False).settings
    from storage.facts.costs import Prices  # noqa: PLC0415  loads what reads telemetry
    from storage.sqlite.faults import refusal  # noqa: PLC0415

    if not settings.db.exists():
        note(f"{settings.db} does not exist; nothing to price")
        return ExitCode.FAILED
    try:
        before, after = _run(settings.db, Prices.from_file(settings.prices))
    except (StoreError, sqlite3.Error, OSError) as error:
        raise CannotStart(ExitCode.DATABASE, str(refusal(error, settings.db))) from None
    print(f"{_told(before)} -> {_told(after)}")
    return ExitCode.OK


def _run(database: Path, prices: Prices) -> tuple[Costs, Costs]:
    from storage.sqlite.connect import connect_writer  # noqa: PLC0415
    from storage.sqlite.facts.reprice import reprice  # noqa: PLC0415
    from storage.sqlite.lock import FileLock  # noqa: PLC0415
    from storage.sqlite.migrate import migrate  # noqa: PLC0415

    with FileLock(database), contextlib.closing(connect_writer(database)) as connection:
        migrate(connection)
        with Progress("repricing", "records") as progress:
            return reprice(connection, prices, progress)


def _told(costs: Costs) -> str:
    return f"{costs.calls:,} calls: {costs.computed:.6f} USD computed, {costs.reported:.6f} reported, {costs.unpriced:,} unpriced"
