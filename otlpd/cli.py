"""The command `otlpd`: finds the word, runs it, and turns what goes wrong into one clear message and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from otlpd import __version__
from otlpd.commands import backup, check, collect, config, export, import_, keys, migrate, reprice, restore, serve, version
from otlpd.commands.output import note
from otlpd.config import BadSettings
from otlpd.exit_codes import CannotStart, ExitCode
from otlpd.keys import BadKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (serve, collect, config, keys, check, backup, restore, migrate, reprice, import_, export, version)

_DESCRIPTION = """otlpd receives OpenTelemetry traces, logs and metrics, keeps them in one file, and answers questions about them.
`otlpd serve` starts it. Settings come from a TOML file (--config), the environment (OTLPD_...) and flags; flags win."""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("otlpd", description=_DESCRIPTION, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"otlpd {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """The exit code; see otlpd.exit_codes. argparse itself ends with 2 when the words are wrong."""
    top = parser()
    arguments = top.parse_args(words)
    if not hasattr(arguments, "run"):
        top.print_help()
        return ExitCode.OK
    try:
        return int(arguments.run(arguments))
    except BadSettings as error:
        note(f"otlpd cannot work with these settings:\n{_bullets(error)}")
        return ExitCode.USAGE
    except BadKeys as error:
        note(f"otlpd: {error}")
        return ExitCode.USAGE
    except CannotStart as error:
        note(f"otlpd: {error}")
        return error.code
    except BrokenPipeError:
        # Whoever read the output has read enough; Python would complain again while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _bullets(error: BadSettings) -> str:
    return "\n".join(f"  - {fault}" for fault in error.faults)
