"""The end-to-end runner does what it says: alone, and against a daemon that runs already."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.acceptance.run_end_to_end import STEPS
from tests.running import ROOT

if TYPE_CHECKING:
    from tests.running import Daemon

RUNNER = str(ROOT / "tests" / "acceptance" / "run_end_to_end.py")


def steps_done(*words: str) -> list[str]:
    done = subprocess.run([sys.executable, RUNNER, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.removeprefix("[ok] ") for line in done.stdout.splitlines()]


def test_with_a_server_of_its_own() -> None:
    assert steps_done() == list(STEPS)


def test_against_a_running_server(daemon: Daemon) -> None:
    assert steps_done("--no-server", "--url", daemon.api_url) == list(STEPS)
    assert steps_done("--use-existing-server", "--url", daemon.api_url) == list(STEPS)
