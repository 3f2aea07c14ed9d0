"""The SQL of the engine, by name: every statement lives in queries/*.sql under a heading `-- name: …`.

A block headed `-- part: …` is a fragment; `{its_name}` in a statement stands for its text, so that conditions which several
statements share are written once. Values are always bound, never put into the text.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- (name|part): (\w+)[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*--.*\n?", re.MULTILINE)
_REFERENCE = re.compile(r"\{(\w+)\}")


def statement(name: str) -> str:
    """The text of the statement `name`."""
    return all_statements()[name]


def schema() -> str:
    """The script that creates every table of a new store."""
    return files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def export_triggers() -> list[str]:
    """One statement each: what notes arrivals for exporters."""
    text = files(__package__).joinpath("export_triggers.sql").read_text(encoding="utf-8")
    return [part for part in text.split("\n\n") if "create" in part]


@cache
def all_statements() -> dict[str, str]:
    names: dict[str, str] = {}
    parts: dict[str, str] = {}
    directory = files(__package__).joinpath("queries")
    for entry in sorted(directory.iterdir(), key=lambda found: found.name):
        if entry.name.endswith(".sql"):
            _read(entry.read_text(encoding="utf-8"), entry.name, names, parts)
    return {name: _with_parts(text, parts) for name, text in names.items()}


def _with_parts(text: str, parts: dict[str, str]) -> str:
    return _REFERENCE.sub(lambda match: _with_parts(parts[match[1]], parts), text)


def _read(text: str, source: str, names: dict[str, str], parts: dict[str, str]) -> None:
    headings = list(_HEADING.finditer(text))
    for position, heading in enumerate(headings):
        end = headings[position + 1].start() if position + 1 < len(headings) else len(text)
        block = _COMMENT.sub("", text[heading.end() : end]).strip().removesuffix(";")
        kind, name = heading.groups()
        if name in names or name in parts:
            raise ValueError(f"queries/{source}: the name {name} is given twice")
        (names if kind == "name" else parts)[name] = block
