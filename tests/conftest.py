"""Fixtures for every kind of test: a daemon as users run it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import settings

from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


# Where a run judges a change, the same examples every time; elsewhere new ones, to find what nobody thought of. Time is no
# criterion on a shared machine.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")


class StartDaemon(Protocol):
    def __call__(self, *words: str, database: Path | None = None, environment: Mapping[str, str] | None = None) -> Daemon: ...


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[StartDaemon]:
    """Starts `otlpd serve` with further words; every one started is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(*words: str, database: Path | None = None, environment: Mapping[str, str] | None = None) -> Daemon:
            return stack.enter_context(Daemon(database or tmp_path / "otlpd.db", words, environment))

        yield start


@pytest.fixture
def daemon(start_daemon: StartDaemon) -> Daemon:
    """One daemon with default settings, on free ports, with a database of its own."""
    return start_daemon()
