"""`otlpd version`: this version, and of what it stands on."""

from __future__ import annotations

import platform
import sqlite3
from importlib import metadata
from typing import TYPE_CHECKING

from otlpd import __version__
from otlpd.exit_codes import ExitCode

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands

_SHOWN = ("aiohttp", "grpcio", "protobuf", "opentelemetry-proto")


def add(commands: Commands) -> None:
    parser = commands.add_parser("version", help="print the version, and of what it stands on")
    parser.set_defaults(run=_show)


def _show(_arguments: argparse.Namespace) -> ExitCode:
    print(f"otlpd {__version__}")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN))
    return ExitCode.OK
