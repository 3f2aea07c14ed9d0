"""Settings as flags: the same for every command that works with the daemon's settings."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from otlpd.config import CONFIG_VARIABLE, Configuration, load
from otlpd.settings import FIELDS, default_text, flag_of, group_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    # argparse has no public name for what add_subparsers gives.
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def add_settings(parser: argparse.ArgumentParser, names: Iterable[str] = FIELDS) -> None:
    """A flag for each setting. Values stay text: they are validated together with those from elsewhere."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"a TOML file with settings (also {CONFIG_VARIABLE}); flags and environment win",
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name in names:
        group = group_of(name)
        if group not in groups:
            groups[group] = parser.add_argument_group(group.lower())
        _add_flag(groups[group], name)


def _add_flag(group: argparse._ArgumentGroup, name: str) -> None:
    field = FIELDS[name]
    text = f"{field.description} Default: {default_text(name)}.".replace("%", "%%").replace("`", "")
    if field.annotation is bool:
        group.add_argument(flag_of(name), dest=name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
    else:
        group.add_argument(flag_of(name), dest=name, metavar=_metavar(name), default=argparse.SUPPRESS, help=text)


def _metavar(name: str) -> str:
    if name in ("db", "prices") or name.endswith("_file"):
        return "FILE"
    if name == "host":
        return "ADDR"
    return "N" if name.endswith(("_port", "_workers", "_threads", "_rows")) else name.rpartition("_")[2].upper()


def configuration_of(arguments: argparse.Namespace, *, to_serve: bool = True) -> Configuration:
    """Raises BadSettings."""
    given = {name: value for name, value in vars(arguments).items() if name in FIELDS}
    named = os.environ.get(CONFIG_VARIABLE)
    file = arguments.config or (Path(named) if named else None)
    return load(given, file, to_serve=to_serve)
