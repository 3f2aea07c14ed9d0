"""`otlpd serve`: the daemon itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands
    from otlpd.exit_codes import ExitCode


def add(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="receive, keep and answer, until SIGTERM or Ctrl-C")
    add_settings(parser)
    parser.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> ExitCode:
    configuration = configuration_of(arguments)  # first: a wrong setting is told without waiting for gRPC to load
    from otlpd.service import run  # noqa: PLC0415

    return run(configuration)
