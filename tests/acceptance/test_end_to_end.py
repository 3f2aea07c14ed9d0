"""The end-to-end runner does what it says: alone, on the configured database, and against a daemon that runs already."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.running import ROOT, Daemon, clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def end_to_end(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.acceptance.run_end_to_end", *words],
        env=clean_environment(home, {"OTLPD_DB": str(home / "production.db")}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("words", "used"), [((), False), (("--production-db",), True)], ids=["test-db", "production-db"])
def test_with_a_server_of_its_own(tmp_path: Path, words: Sequence[str], used: bool) -> None:
    done = end_to_end(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[:6] for line in done.stdout.splitlines()[:-1]] == [f"Step {number}" for number in range(1, 6)]
    assert (tmp_path / "production.db").exists() == used


@pytest.mark.parametrize("word", ["--no-server", "--use-existing-server"])
def test_against_a_running_server(daemon: Daemon, tmp_path: Path, word: str) -> None:
    done = end_to_end(tmp_path, word, "--url", daemon.api_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(daemon.ask("/api/agents")) == 1
    daemon.stop()
    assert "[FAILED] no server" in end_to_end(tmp_path, word, "--url", daemon.api_url).stdout
