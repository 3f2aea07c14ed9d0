"""`otlpd config`: the settings in force and where each comes from, or what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otlpd.commands.arguments import add_settings, configuration_of
from otlpd.exit_codes import ExitCode
from otlpd.settings import FIELDS, default_text, flag_of, group_of, value_text, variable_of

if TYPE_CHECKING:
    import argparse

    from otlpd.commands.arguments import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("config", help="print the settings in force, and where each comes from")
    parser.add_argument("--reference", action="store_true", help="print the table of docs/configuration.md instead")
    add_settings(parser)
    parser.set_defaults(run=_show)


def _show(arguments: argparse.Namespace) -> ExitCode:
    if arguments.reference:
        print(reference())
        return ExitCode.OK
    configuration = configuration_of(arguments)
    values = {name: value_text(getattr(configuration.settings, name)) for name in FIELDS}
    values["keys_file"] = str(configuration.settings.keys_path)
    rows = [(name, value, configuration.origins[name]) for name, value in values.items()]
    name_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, origin in rows:
        print(f"{name:<{name_width}}  {value:<{value_width}}  {origin}")
    return ExitCode.OK


def reference() -> str:
    """All settings as Markdown tables, by group."""
    lines: list[str] = []
    group = None
    for name, field in FIELDS.items():
        if group_of(name) != group:
            group = group_of(name)
            lines += ["", f"### {group}", "", "| setting | flag | environment | default | meaning |", "|---|---|---|---|---|"]
        lines.append(f"| `{name}` | `{flag_of(name)}` | `{variable_of(name)}` | {default_text(name)} | {field.description} |")
    return "\n".join(lines[1:])
