"""`otlpd collect`: figures of this machine and of programs that show theirs over HTTP, forwarded by OTLP."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pydantic import ByteSize

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.config import DEFAULT_ORIGIN, BadSettings, Fault

if TYPE_CHECKING:
    import argparse

    from otlpd.collecting import Collection
    from otlpd.commands.arguments import Commands
    from otlpd.exit_codes import ExitCode
    from otlpd.settings import Settings

_SETTINGS = (
    "db", "max_age_days", "max_size", "forward", "forward_headers", "forward_gzip", "forward_seconds", "forward_ca_file",
    "forward_cert_file", "forward_key_file", "content_masks", "log_level", "log_format",
)  # fmt: skip
_DEFAULT_SIZE = ByteSize(512 * 2**20)
_SHORTEST_INTERVAL = 0.1


def add(commands: Commands) -> None:
    parser = commands.add_parser("collect", help="read figures of this machine and of other programs, and forward them")
    parser.add_argument(
        "--interval", metavar="SECONDS", default=os.environ.get("COLLECTION_INTERVAL", "60"), help="how often; default 60"
    )
    parser.add_argument("--no-host", action="store_true", help="leave out the figures of this machine")
    parser.add_argument("--processes", metavar="N", type=int, default=10, help="how many of the largest processes; default 10")
    parser.add_argument(
        "--poll", metavar="KIND=URL", action="append", default=[], help="prometheus=URL or json=URL; may be given several times"
    )
    parser.add_argument("--poll-headers", metavar="HEADERS", default="", help="name=value,… for what is polled, such as a key")
    parser.add_argument("--once", action="store_true", help="read one time, forward, and end")
    add_settings(parser, _SETTINGS)
    parser.set_defaults(run=_collect)


def _collect(arguments: argparse.Namespace) -> ExitCode:
    configuration = configuration_of(arguments, to_serve=False)
    given: dict[str, object] = {}
    if configuration.origins["db"] == DEFAULT_ORIGIN:
        given["db"] = configuration.settings.db.with_name("collect.db")
    if configuration.origins["max_size"] == DEFAULT_ORIGIN:
        given["max_size"] = _DEFAULT_SIZE
    settings: Settings = configuration.settings.model_copy(update=given)
    collection = _collection(arguments)
    from otlpd.collecting import run  # noqa: PLC0415  only now gRPC is worth loading

    return run(settings, collection)


def _collection(arguments: argparse.Namespace) -> Collection:
    """Raises BadSettings with the flag that is wrong."""
    from otlpd.collecting import Collection  # noqa: PLC0415
    from otlpd.forwarding import header_pairs  # noqa: PLC0415
    from receiver.scrapers.polled import BadSource, Source  # noqa: PLC0415

    faults = []
    interval = 0.0
    with contextlib.suppress(ValueError):
        interval = float(arguments.interval)
    if not _SHORTEST_INTERVAL <= interval <= 86_400:
        problem = f"must be a number of seconds from {_SHORTEST_INTERVAL:g} to 86400, not {arguments.interval!r}"
        faults.append(Fault("interval", "flag --interval", problem))
    sources = []
    for text in arguments.poll:
        try:
            sources.append(Source.of(text, header_pairs(arguments.poll_headers)))
        except BadSource as error:
            faults.append(Fault("poll", "flag --poll", str(error)))
    if arguments.no_host and not arguments.poll:
        faults.append(Fault("no_host", "flag --no-host", "leaves nothing to collect; name something with --poll"))
    if faults:
        raise BadSettings(faults)
    return Collection(interval, not arguments.no_host, max(arguments.processes, 0), tuple(sources), arguments.once)
