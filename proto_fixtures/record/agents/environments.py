"""The throw-away environments the programs run in: a virtual environment or an npm folder for each family of libraries."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from proto_fixtures.record.agents.libraries import LIBRARIES, SDK, Library
from proto_fixtures.record.clients import SETUP_SECONDS, run, tool

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Ready:
    """The command that runs a library's program in ``folder``, and the version of every package there."""

    command: tuple[str, ...]
    folder: Path
    versions: dict[str, str]


def ready(library: Library, folder: Path) -> Ready:
    """Install what the libraries of one environment need, unless it is there, and copy the programs in."""
    folder.mkdir(parents=True, exist_ok=True)
    language = library.program.partition("/")[0]
    for program in (PROGRAMS / language).iterdir():
        if program.is_file():
            shutil.copy(program, folder)
    wanted = sorted({package for one in LIBRARIES if one.environment == library.environment for package in one.packages})
    stamp = folder / "installed.json"
    fresh = not stamp.exists() or json.loads(stamp.read_bytes()) != wanted
    command, versions = (_javascript if language == "javascript" else _python)(folder, wanted if fresh else [])
    stamp.write_text(json.dumps(wanted), encoding="utf-8")
    return Ready((command, Path(library.program).name, *library.arguments), folder, versions)


def _python(folder: Path, wanted: list[str]) -> tuple[str, dict[str, str]]:
    own = str(folder / "env" / "bin" / "python")
    if wanted:
        run((sys.executable, "-m", "venv", "env"), folder, SETUP_SECONDS)
        install = (own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run((*install, *SDK, *wanted), folder, 3 * SETUP_SECONDS)
    listed = json.loads(run((own, "-m", "pip", "list", "--format", "json"), folder, SETUP_SECONDS))
    return own, {one["name"].lower().replace("_", "-"): one["version"] for one in listed}


def _javascript(folder: Path, wanted: list[str]) -> tuple[str, dict[str, str]]:
    if wanted:
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
        run((tool("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock", *wanted), folder, SETUP_SECONDS)
    described = [json.loads(path.read_bytes()) for path in folder.glob("node_modules/**/package.json")]
    return tool("node"), {one["name"]: one["version"] for one in described if "name" in one and "version" in one}
