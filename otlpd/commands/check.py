"""`otlpd check`: asks the daemon that holds the database whether it can commit. Made for health checks of containers.

The address comes from the lock file, so that it is right whatever ports were picked. With `--full` it looks at the settings,
the whole file and the disk instead, whether a daemon runs or not.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.examination import examine
from otlpd.commands.output import note
from otlpd.exit_codes import ExitCode

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from otlpd.commands.arguments import Commands

_SECONDS = 6.0
_MOST_BYTES = 64 * 1024


class _CertificateNeeded(Exception):
    """The handshake went well, and then the daemon left."""


def add(commands: Commands) -> None:
    parser = commands.add_parser("check", help="ask the running daemon whether it is ready, or look at everything (--full)")
    parser.add_argument("--url", help="where its API is; else the lock file beside the database says it")
    parser.add_argument(
        "--full", action="store_true", help="look at settings, schema, the whole file and the disk; needs no running daemon"
    )
    add_settings(parser)
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> ExitCode:
    return _examine(arguments) if arguments.full else _ask_daemon(arguments)


def _examine(arguments: argparse.Namespace) -> ExitCode:
    good = True
    for finding in examine(arguments):
        print(finding, flush=True)
        good = good and finding.good
    return ExitCode.OK if good else ExitCode.FAILED


def _ask_daemon(arguments: argparse.Namespace) -> ExitCode:
    database = configuration_of(arguments, to_serve=False).settings.db
    url = arguments.url or _address(database)
    if not url:
        note(f"no otlpd has opened {database} yet")
        return ExitCode.FAILED
    try:
        status, answer = _ask(url)
    except _CertificateNeeded:
        note(f"{url} is up; whether it is ready only clients with a certificate may ask")
        return ExitCode.OK
    except (OSError, http.client.HTTPException) as error:
        note(f"{url} does not answer: {error}")
        return ExitCode.FAILED
    print(answer)
    return ExitCode.OK if status == 200 else ExitCode.FAILED


def _address(database: Path) -> str | None:
    try:
        holder = json.loads(database.with_name(f"{database.name}.lock").read_text(encoding="utf-8"))
        return str(holder["api"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # No secret is sent and only "ready" is asked, so it does not matter for which name the certificate was made.
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(parts.netloc, timeout=_SECONDS, context=unverified)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
    with contextlib.closing(connection):
        connection.connect()
        try:
            connection.request("GET", "/health")
            response = connection.getresponse()
        except (ssl.SSLError, ConnectionError) as error:
            # In TLS 1.3 the client is done before the server has seen its certificate; that none came is told afterwards.
            if parts.scheme == "https":
                raise _CertificateNeeded from error
            raise
        return response.status, response.read(_MOST_BYTES).decode("utf-8", "replace")
