"""Writes the fixtures made by hand, of what cannot be run here: bodies, ``meta.json`` and ``expected.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from proto_fixtures.agents import FOLDER
from proto_fixtures.record.agents.by_hand import (
    claude_code,
    codex,
    coding_agents,
    copilot,
    frameworks,
    gemini,
    misleading,
    told_twice,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proto_fixtures.record.agents.building import Fixture

_MODULES = (claude_code, codex, coding_agents, copilot, frameworks, gemini, misleading, told_twice)
FIXTURES: tuple[Fixture, ...] = tuple(one for module in _MODULES for one in module.fixtures())
NAMES = tuple(fixture.name for fixture in FIXTURES)


def write(only: Sequence[str]) -> None:
    for fixture in FIXTURES:
        if fixture.name in only:
            _write(fixture)


def _write(fixture: Fixture) -> None:
    folder = FOLDER / fixture.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    bodies = []
    for number, request in enumerate(fixture.requests, 1):
        name = f"{number:02}-{request.signal}.{'json' if request.encoding == 'json' else 'binpb'}"
        (folder / name).write_bytes(request.body)
        bodies.append({"file": name})
    program = "proto_fixtures/record/agents/handwritten.py"
    meta = {"recorded": False, "after": fixture.after, "program": program, "bodies": bodies}
    for part, content in (("meta", meta), ("expected", fixture.expected)):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{part}.json").write_text(text, encoding="utf-8")
