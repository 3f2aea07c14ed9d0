"""The real clients: how each is set up in a folder of its own, run, and asked for its version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SETUP_SECONDS = 600
RUN_SECONDS = 60


@dataclass(frozen=True)
class Ready:
    """A client that can be run: the command that takes TRANSPORT PART STORY, and the versions of its packages."""

    command: tuple[str, ...]
    versions: dict[str, str]


@dataclass(frozen=True)
class Client:
    name: str
    parts: dict[str, tuple[str, ...]]  # transport → parts
    set_up: Callable[[Path], Ready]
    sdk: str
    exporters: dict[tuple[str, str], str]  # (transport, signal) → the package that sent the request


PARTS = ("traces", "logs", "metrics-cumulative", "metrics-delta")


def run(command: tuple[str, ...], folder: Path, seconds: int, environment: dict[str, str] | None = None) -> str:
    """Run a command; give what it printed. A failure ends the recording with the command's own words."""
    inherited = {key: text for key, text in os.environ.items() if not key.startswith(("OTEL_", "PYTHON"))}
    done = subprocess.run(  # noqa: S603 - fixed commands, no shell
        command,
        cwd=folder,
        env=inherited | {"NO_PROXY": "127.0.0.1"} | (environment or {}),
        timeout=seconds,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    if done.stderr and environment:
        sys.stderr.write(done.stderr)
    return done.stdout


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is needed to record this client and is not on PATH; choose others with --only")
    return found


def python(folder: Path) -> Ready:
    run((sys.executable, "-m", "venv", "env"), folder, SETUP_SECONDS)
    own = str(folder / "env" / "bin" / "python")
    requirements = str(HERE / "python" / "requirements.txt")
    run((own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements), folder, SETUP_SECONDS)
    shutil.copy(HERE / "python" / "client.py", folder)
    listed = json.loads(run((own, "-m", "pip", "list", "--format", "json"), folder, SETUP_SECONDS))
    return Ready((own, "client.py"), {one["name"]: one["version"] for one in listed})


def javascript(folder: Path) -> Ready:
    for name in ("client.mjs", "package.json"):
        shutil.copy(HERE / "javascript" / name, folder)
    run((tool("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock"), folder, SETUP_SECONDS)
    packages = (folder / "node_modules" / "@opentelemetry").glob("*/package.json")
    described = [json.loads(path.read_bytes()) for path in packages]
    return Ready((tool("node"), "client.mjs"), {one["name"]: one["version"] for one in described})


def go(folder: Path) -> Ready:
    source = HERE / "go"
    program = str(folder / "client")
    # -trimpath: stacks are part of what is recorded, and must not hold the paths of this machine.
    run((tool("go"), "build", "-trimpath", "-o", program, "."), source, SETUP_SECONDS)
    listed = run((tool("go"), "list", "-m", "-f", "{{.Path}} {{.Version}}", "all"), source, SETUP_SECONDS)
    pairs = [line.split() for line in listed.splitlines()]
    return Ready((program,), {pair[0]: pair[1].removeprefix("v") for pair in pairs if len(pair) == 2})


def _python_exporters() -> dict[tuple[str, str], str]:
    packages = {"grpc": "proto-grpc", "http-protobuf": "proto-http", "http-json": "json-http"}
    signals = ("traces", "logs", "metrics")
    return {(t, s): f"opentelemetry-exporter-otlp-{package}" for t, package in packages.items() for s in signals}


def _javascript_exporters() -> dict[tuple[str, str], str]:
    packages = {"grpc": "grpc", "http-protobuf": "proto", "http-json": "http"}
    signals = {"traces": "trace", "logs": "logs", "metrics": "metrics"}
    return {
        (t, s): f"@opentelemetry/exporter-{word}-otlp-{package}" for t, package in packages.items() for s, word in signals.items()
    }


def _go_exporters() -> dict[tuple[str, str], str]:
    packages = {"grpc": "grpc", "http-protobuf": "http", "http-json": "http"}
    signals = {"traces": "otlptrace", "logs": "otlplog", "metrics": "otlpmetric"}
    return {
        (t, s): f"go.opentelemetry.io/otel/exporters/otlp/{word}/{word}{package}"
        for t, package in packages.items()
        for s, word in signals.items()
    }


_EVERYTHING: dict[str, tuple[str, ...]] = {"grpc": PARTS, "http-protobuf": PARTS, "http-json": PARTS}

CLIENTS = (
    Client("python", _EVERYTHING, python, "opentelemetry-sdk", _python_exporters()),
    Client("javascript", _EVERYTHING, javascript, "@opentelemetry/resources", _javascript_exporters()),
    # Go's exporters write JSON for traces only.
    Client("go", {**_EVERYTHING, "http-json": ("traces",)}, go, "go.opentelemetry.io/otel/sdk", _go_exporters()),
)
