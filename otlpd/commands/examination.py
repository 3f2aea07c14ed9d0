"""What `otlpd check --full` looks at, one finding a line: settings, file, schema, damage, room on the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otlpd.commands.arguments import configuration_of
from otlpd.commands.output import size_text
from otlpd.config import DEFAULT_ORIGIN, BadSettings
from otlpd.settings import default_database, variable_of
from storage.errors import StoreError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

# Below this share of the database's size, or this many bytes, the disk is called short.
LEAST_FREE_SHARE = 0.1
LEAST_FREE_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    good: bool
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{'ok' if self.good else 'BAD':<4} {self.subject:<10} {self.words}"


def examine(arguments: argparse.Namespace) -> Iterator[Finding]:
    """One by one, because the search for damage reads the whole file."""
    try:
        configuration = configuration_of(arguments)
        changed = [name for name, origin in configuration.origins.items() if origin != DEFAULT_ORIGIN]
        yield Finding(True, "settings", f"{len(changed)} set" + (f": {', '.join(changed)}" if changed else ""))
        database = configuration.settings.db
    except BadSettings as error:
        for fault in error.faults:
            yield Finding(False, "settings", str(fault))
        database = Path(getattr(arguments, "db", "") or os.environ.get(variable_of("db"), "") or default_database())
    if not database.exists():
        yield Finding(True, "file", f"{database} is not there yet; `otlpd serve` makes it")
    else:
        yield from _file(database)
    yield from _disk(database)


def _file(database: Path) -> Iterator[Finding]:
    from storage.sqlite.backup import damage  # noqa: PLC0415  loads SQLite's helpers
    from storage.sqlite.connect import connect_reader  # noqa: PLC0415
    from storage.sqlite.faults import refusal  # noqa: PLC0415
    from storage.sqlite.migrate import migration_names, pending  # noqa: PLC0415

    try:
        with contextlib.closing(connect_reader(database)) as reader:
            missing = pending(reader)
            yield Finding(True, "file", f"{database}, {size_text(database.stat().st_size)}")
            lacks = (
                f"lacks {', '.join(missing)}; `otlpd migrate` or the next start applies them"
                if missing
                else migration_names()[-1]
            )
            yield Finding(True, "schema", lacks)
            faults = damage(reader)
            yield Finding(not faults, "integrity", "; ".join(faults) or "no damage in the whole file")
    except (StoreError, sqlite3.Error, OSError) as error:
        yield Finding(False, "file", str(refusal(error, database)))


def _disk(database: Path) -> Iterator[Finding]:
    folder = next(parent for parent in database.absolute().parents if parent.exists())
    size = database.stat().st_size if database.exists() else 0
    free = shutil.disk_usage(folder).free
    enough = free >= max(LEAST_FREE_BYTES, size * LEAST_FREE_SHARE)
    yield Finding(enough, "disk", f"{size_text(free)} free in {folder}" + ("" if enough else "; make room, or set max_size"))
