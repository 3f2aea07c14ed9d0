"""Exporters' positions, and the triggers that note what they could not find by number; on the writer's connection."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from storage.sqlite.numbers import next_number
from storage.sqlite.statements import export_triggers, statement

if TYPE_CHECKING:
    import sqlite3

    from storage.export_contract import ExportPosition


def watch_for_exporters(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Arrivals are noted while there is an exporter; without one they cost nothing."""
    if connection.execute(statement("has_exporters")).fetchone()[0]:
        _make_triggers(connection)
    return connection


def register_exporter(connection: sqlite3.Connection, exporter: str) -> None:
    last = {
        "last_span": next_number(connection, "last_span", "spans") - 1,
        "last_log": next_number(connection, "last_log", "logs") - 1,
    }
    connection.execute(statement("register_exporter"), {"exporter": exporter, **last})
    _make_triggers(connection)


def move_exporter(connection: sqlite3.Connection, position: ExportPosition) -> None:
    connection.execute(statement("move_exporter"), asdict(position))
    if position.queue in {"points", "changes"}:
        connection.execute(statement("forget_exported_points" if position.queue == "points" else "forget_exported_changes"))


def _make_triggers(connection: sqlite3.Connection) -> None:
    for trigger in export_triggers():
        connection.execute(trigger)
