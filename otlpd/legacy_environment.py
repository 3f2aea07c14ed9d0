"""Variables of the servers that otlpd stands in for, where they mean what a setting of otlpd means, and the file `.env`.

They count below every OTLPD_… variable, and where each setting comes from is told like any other origin. Names that any program
may use (HOST, PORT, LOG_LEVEL, DATABASE_URL) are not looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping

ENV_FILE = ".env"
TEST_DATABASE = "data/test_cylestio.db"
# variable → setting; the first that is set counts
SAME_MEANING = {
    "CYLESTIO_DB_PATH": "db",
    "TELEMETRY_DB_PATH": "db",
    "CYLESTIO_PORT": "api_port",
    "TELEMETRY_API_PORT": "api_port",
    "TELEMETRY_API_HOST": "host",
    "TELEMETRY_LOG_LEVEL": "log_level",
    "INGEST_SECRET": "ingest_secret",
}
# What these chose is always so.
WITHOUT_CHOICE = {
    "TELEMETRY_LOCK_FILE": "the lock lies beside the database and does not outlive its holder",
    "TELEMETRY_DB_JOURNAL_MODE": "the journal is always WAL",
    "TELEMETRY_DB_SYNCHRONOUS": "every commit is on disk before it is answered",
}
WORKERS = "TELEMETRY_API_WORKERS"
_PREFIXES = ("OTLPD_", "CYLESTIO_", "TELEMETRY_")


def read_env_file(path: Path | None = None) -> list[str]:
    """Takes what `.env` in the working directory says of otlpd into the environment, which goes before it; the names taken."""
    path = path or Path(ENV_FILE)
    if not path.is_file():
        return []
    taken = []
    for name, value in dotenv_values(path).items():
        if value is not None and (name.startswith(_PREFIXES) or name in SAME_MEANING) and name not in os.environ:
            os.environ[name] = value
            taken.append(name)
    return taken


def legacy_settings(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Setting → (variable, value as text)."""
    found: dict[str, tuple[str, str]] = {}
    for variable, setting in SAME_MEANING.items():
        value = environment.get(variable, "").strip()
        if value and setting not in found:
            found[setting] = (variable, value.lower() if setting == "log_level" else value)
    if "db" not in found and "CYLESTIO_TEST_MODE" in environment:
        found["db"] = ("CYLESTIO_TEST_MODE", TEST_DATABASE)
    if environment.get("TELEMETRY_API_AUTH_ENABLED", "").lower() in {"1", "true", "yes"}:
        token = environment.get("TELEMETRY_API_AUTH_TOKEN", "")
        found["api_keys"] = ("TELEMETRY_API_AUTH_TOKEN", f"ingest+query:{token}")
    if environment.get("TELEMETRY_RATE_LIMIT_ENABLED", "").lower() in {"1", "true", "yes"}:
        minute = environment.get("TELEMETRY_RATE_LIMIT_RPM", "60")
        found["rate_limit"] = ("TELEMETRY_RATE_LIMIT_RPM", f"{int(minute) / 60:g}" if minute.isdigit() else minute)
    return found


def wrong_workers(environment: Mapping[str, str]) -> str | None:
    """There is one writer; whoever asks for more has to be told, as the original did."""
    workers = environment.get(WORKERS, "1").strip()
    return None if workers in {"", "1"} else f"must be 1, not {workers[:20]!r}: one process writes, and it serves every client"


def remarks(environment: Mapping[str, str]) -> list[str]:
    """What is said at start of variables whose choice there is no longer."""
    return [f"{name} is set and not needed: {why}" for name, why in WITHOUT_CHOICE.items() if environment.get(name)]
