"""What `otlpd import runs` says on the way, in the lines that operators of the older service know from its migration.

The steps are taken on the rows as they come in; the old file itself is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otlpd.importing import Figures
    from storage.sqlite.foreign import ForeignFile

_RULE = "=" * 70
_ROWS_PER_LINE = 1_000
_PRESENT = 6


@dataclass(slots=True)
class Report:
    path: Path
    version: int
    total: int
    dry_run: bool
    _told: int = 0

    def begin(self) -> None:
        title = f"Schema v{self.version} → v{_PRESENT}" if self.version < _PRESENT else f"Schema v{self.version}"
        print(_RULE)
        print(f"DATABASE MIGRATION: {title}")
        print(_RULE)
        print(f"Database: {self.path}")
        print(f"Dry run: {self.dry_run}")
        print(f"Current schema version: {self.version}")
        print(f"Total rows to migrate: {self.total}")
        print()
        if self.dry_run:
            self._foretell()
        elif self.version < _PRESENT:
            print("Step 1: Adding event_id column...")
            print("[OK] Column added (to what is imported; the old file stays as it is)")
            print("Step 2: Backfilling event_id with UUIDs...")
        else:
            print("Reading runs...")

    def _foretell(self) -> None:
        print("[DRY RUN] Would perform the following changes:")
        changes = ["Import all rows into the database of otlpd"]
        if self.version < _PRESENT:
            changes = [
                "Add event_id column to agent_runs table (to what is imported; the old file stays as it is)",
                "Backfill event_id with UUID for all existing rows",
                "Create UNIQUE constraint on event_id",
                "Create idx_runs_event_id index",
                "Update schema version to 6",
            ]
        for number, change in enumerate(changes, 1):
            print(f"  {number}. {change}")

    def watched(self, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
        """Also prints a line for every thousand rows."""

        def shown(done: int, total: int) -> None:
            progress(done, total)
            while not self.dry_run and self._told + _ROWS_PER_LINE <= done:
                self._told += _ROWS_PER_LINE
                print(f"  Progress: {self._told}/{self.total} rows", flush=True)

        return shown

    def end(self, figures: Figures) -> None:
        if self.dry_run:
            return
        taken = figures.records - figures.refused
        if self.version < _PRESENT:
            print(f"[OK] Backfilled {taken} rows")
            print("Step 3: Creating UNIQUE index on event_id...")
            print("[OK] Index created")
            print("Step 4: Updating schema version...")
            print(f"[OK] Schema version updated to {_PRESENT}")
        if figures.refused:
            print(f"[WARNING] {figures.refused} rows could not be read and were left out")
        else:
            print("[SUCCESS] Migration completed successfully!")


def report_of(file: ForeignFile, total: int, *, dry_run: bool) -> Report:
    return Report(file.path, _version(file), total, dry_run)


def _version(file: ForeignFile) -> int:
    """What the file says of itself; a file without event ids is of 5, whatever it says."""
    if "event_id" not in file.columns("agent_runs"):
        return 5
    if "version" in file.columns("schema_migrations"):
        versions = [int(row["version"]) for row in file.rows("schema_migrations") if str(row["version"]).isdigit()]
        return max(versions, default=_PRESENT)
    return _PRESENT
