"""Telemetry of agents, recorded from real libraries or written by hand after their documentation, with the facts in it.

``agent_fixtures()`` gives them all. Reading them needs opentelemetry-proto and nothing of the daemon, so that they can judge it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from proto_fixtures import parse

if TYPE_CHECKING:
    from proto_fixtures import Encoding, Message, Signal

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Body:
    """One request, as it was sent."""

    name: str
    signal: Signal
    encoding: Encoding
    body: bytes

    def message(self) -> Message:
        return parse(self.signal, self.encoding, self.body)


@dataclass(frozen=True)
class AgentFixture:
    """A run of one program: its requests in order of arrival, what sent them, and the facts they hold."""

    name: str
    bodies: tuple[Body, ...]
    meta: dict[str, Any]
    expected: dict[str, Any]

    def of(self, signal: Signal) -> tuple[Body, ...]:
        return tuple(body for body in self.bodies if body.signal == signal)


@cache
def agent_fixtures() -> tuple[AgentFixture, ...]:
    """Read every fixture, in order of name."""
    return tuple(_read(folder.parent) for folder in sorted(FOLDER.glob("*/meta.json")))


def agent_fixture(name: str) -> AgentFixture:
    return next(fixture for fixture in agent_fixtures() if fixture.name == name)


def _read(folder: Path) -> AgentFixture:
    meta, expected = (json.loads((folder / f"{part}.json").read_bytes()) for part in ("meta", "expected"))
    paths = sorted(path for path in folder.iterdir() if path.name[:2].isdigit())
    return AgentFixture(folder.name, tuple(_body(path) for path in paths), meta, expected)


def _body(path: Path) -> Body:
    encoding: Encoding = "protobuf" if path.suffix == ".binpb" else "json"
    return Body(path.name, cast("Signal", path.stem.partition("-")[2]), encoding, path.read_bytes())
