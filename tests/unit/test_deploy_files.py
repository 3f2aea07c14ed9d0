"""What lies in deploy/ and .env.example fits the program: its words and settings exist, and the scripts do what they say."""

from __future__ import annotations

import plistlib
import re
import subprocess
from pathlib import Path

import pytest

from otlpd.cli import parser
from otlpd.settings import FIELDS, variable_of

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy").glob("*.service"))
VARIABLE = re.compile(r"OTLPD_[A-Z_]+")
# variables that stand in documents and files for people
FILES = [*sorted((ROOT / "deploy").iterdir()), ROOT / ".env.example", ROOT / "DEPLOYMENT.md"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit_starts_words_that_exist(unit: Path) -> None:
    [line] = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    words = line.removeprefix("ExecStart=").split()
    assert words[0].endswith("/otlpd")
    assert hasattr(parser().parse_args(words[1:]), "run")


def test_launch_agent_is_well_formed() -> None:
    plist = plistlib.loads((ROOT / "deploy" / "io.otlpd.plist").read_bytes())
    assert hasattr(parser().parse_args(plist["ProgramArguments"][1:]), "run")
    assert plist["RunAtLoad"] is True


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_variables_that_are_named_are_settings(file: Path) -> None:
    known = {variable_of(name) for name in FIELDS} | {"OTLPD_CONFIG"}
    assert set(VARIABLE.findall(file.read_text(encoding="utf-8"))) <= known


def test_start_script_takes_the_known_options(tmp_path: Path) -> None:
    """`--port` is the API's; everything else goes on to `otlpd serve`, here one that only shows its words."""
    script, shows = ROOT / "deploy" / "start.sh", tmp_path / "otlpd"
    shows.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    shows.chmod(0o755)
    help_text = subprocess.run(["sh", str(script), "--help"], capture_output=True, text=True, check=True).stdout
    assert "--port N" in help_text
    words = ["--port", "8765", "--host=127.0.0.1", "--log-level", "a b"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    started = subprocess.run(["sh", str(script), *words], capture_output=True, text=True, check=True, env=environment)
    assert started.stdout.splitlines() == ["serve", "--api-port", *words[1:]]
