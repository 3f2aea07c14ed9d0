"""`otlpd keys`: API keys are made, listed and revoked. A running daemon takes notice within a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.commands.output import note
from otlpd.exit_codes import ExitCode
from otlpd.keys import SCOPES, add_key, read_keys, revoke_key

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from otlpd.commands.arguments import Commands

_SETTINGS = ("db", "keys_file")


def add(commands: Commands) -> None:
    parser = commands.add_parser("keys", help="make, list and revoke API keys")
    words = parser.add_subparsers(title="words", metavar="WORD", required=True)
    adding = words.add_parser("add", help="make a key and show it, this once")
    adding.add_argument("--name", required=True, help="what it is for; names are unique")
    adding.add_argument(
        "--scope", required=True, action="append", choices=SCOPES, help="what it may do; may be given several times"
    )
    adding.set_defaults(run=_add)
    listing = words.add_parser("list", help="names, ids, scopes and times, no secrets")
    listing.set_defaults(run=_list)
    revoking = words.add_parser("revoke", help="make a key useless")
    revoking.add_argument("key", metavar="NAME", help="its name or id")
    revoking.set_defaults(run=_revoke)
    for word in (adding, listing, revoking):
        add_settings(word, _SETTINGS)


def _add(arguments: argparse.Namespace) -> ExitCode:
    path = _path(arguments)
    first = not read_keys(path)
    key, secret = add_key(path, arguments.name, arguments.scope)
    print(secret)
    note(f"This is the key {key.name!r} ({', '.join(key.scopes)}). It is shown this once; {path} keeps its hash only.")
    if first:
        note("It is the first: from now on every request needs a key.")
    return ExitCode.OK


def _list(arguments: argparse.Namespace) -> ExitCode:
    path = _path(arguments)
    keys = read_keys(path)
    for key in keys:
        print(f"{key.identifier}  {','.join(key.scopes):<18}  {key.created:<25}  {key.name}")
    if not keys:
        note(f"no keys in {path}")
    return ExitCode.OK


def _revoke(arguments: argparse.Namespace) -> ExitCode:
    path = _path(arguments)
    key = revoke_key(path, arguments.key)
    note(f"the key {key.name!r} is revoked")
    if not read_keys(path):
        note("It was the last: a running daemon now refuses everybody, and one started anew lets this machine in without a key.")
    return ExitCode.OK


def _path(arguments: argparse.Namespace) -> Path:
    return configuration_of(arguments, to_serve=False).settings.keys_path
