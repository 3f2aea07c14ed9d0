"""Programs with the OpenTelemetry SDKs of Python, Node and Go: how each is set up, started, and told what to report.

A program reports one order after the other (python/, javascript/ and go/ hold the same shop three times) and is told nothing
but what the banner says to paste. What has to be installed or built for it is kept from run to run in the user's cache
directory, under a name that changes with the sources and the language's version.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Self

import platformdirs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Language = Literal["python", "javascript", "go"]
Protocol = Literal["grpc", "http/protobuf", "http/json"]
Command = tuple[str, ...]

HERE = Path(__file__).parent
CACHE = platformdirs.user_cache_path("otlpd-tests")
SETUP_SECONDS = 240
END_SECONDS = 30


@dataclass(frozen=True)
class Client:
    language: Language
    protocol: Protocol
    compression: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.language, self.protocol.replace("/", "-"), self.compression)))

    @property
    def has_all_signals(self) -> bool:
        """Go's exporters write JSON for traces only."""
        return (self.language, self.protocol) != ("go", "http/json")

    @property
    def retries(self) -> bool:
        """JavaScript's gRPC exporter sends nothing twice."""
        return (self.language, self.protocol) != ("javascript", "grpc")

    @property
    def waits_for_a_receiver(self) -> bool:
        """Go's HTTP exporters send again what was answered, but not where the connection was refused."""
        return self.retries and (self.language != "go" or self.protocol == "grpc")

    @property
    def patience(self) -> str:
        """30 s for an export with all its retries. By default it is 10 s: too short for Go, which first waits 5 s, and for all of
        them on a busy machine. Python counts in seconds.
        """
        return "30" if self.language == "python" else "30000"


CLIENTS = (
    Client("python", "grpc"),
    Client("python", "grpc", "gzip"),
    Client("python", "http/protobuf"),
    Client("python", "http/protobuf", "gzip"),
    Client("python", "http/protobuf", "deflate"),
    Client("python", "http/json"),
    Client("javascript", "grpc"),
    Client("javascript", "grpc", "gzip"),
    Client("javascript", "http/protobuf"),
    Client("javascript", "http/protobuf", "gzip"),
    Client("javascript", "http/json"),
    Client("javascript", "http/json", "gzip"),
    Client("go", "grpc"),
    Client("go", "grpc", "gzip"),
    Client("go", "http/protobuf"),
    Client("go", "http/protobuf", "gzip"),
    Client("go", "http/json"),
)
UNCOMPRESSED = tuple(client for client in CLIENTS if not client.compression)


class Unavailable(Exception):
    """The language, or a package from its registry, cannot be had here."""


def command_or_skip(client: Client) -> Command:
    """What starts the client; skips the test where it cannot be set up."""
    ready = set_up(client.language, as_json=client.protocol == "http/json")
    if isinstance(ready, Unavailable):
        pytest.skip(f"NOT TESTED with {client.language}: {ready}")
    return ready


@cache
def set_up(language: Language, *, as_json: bool) -> Command | Unavailable:
    try:
        if language == "python":
            return _python_with_json() if as_json else (sys.executable, str(HERE / "python" / "client.py"))
        return _javascript() if language == "javascript" else _go()
    except Unavailable as reason:
        return reason


def _python_with_json() -> Command:
    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", "env"], folder)
        _fetch(["env/bin/python", "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"], folder)

    folder = _kept("python", sys.version, install)
    return str(folder / "env" / "bin" / "python"), str(folder / "client.py")


def _javascript() -> Command:
    npm, node = _tool("npm"), _tool("node")

    def install(folder: Path) -> None:
        _fetch([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)

    folder = _kept("javascript", _run([node, "--version"], HERE), install)
    return node, str(folder / "client.mjs")


def _go() -> Command:
    go = _tool("go")

    def build(folder: Path) -> None:
        # Fetches what the build needs, so that a failing build is a fault and not a missing network.
        _fetch([go, "list", "-deps", "."], folder)
        _run([go, "build", "-o", "client", "."], folder)

    return (str(_kept("go", _run([go, "version"], HERE), build) / "client"),)


def _kept(language: Language, version: str, install: Callable[[Path], None]) -> Path:
    """The folder in which a client was set up, now or in an earlier run."""
    sources = sorted(path for path in (HERE / language).iterdir() if path.is_file())
    digest = hashlib.sha256(version.encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    folder = CACHE / f"{language}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=CACHE))
        try:
            for source in sources:
                shutil.copy(source, made)
            install(made)
            with contextlib.suppress(OSError):  # another run was faster
                made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not on PATH")
    return found


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=_environment({}), capture_output=True, text=True, timeout=SETUP_SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _fetch(command: Sequence[str], folder: Path) -> None:
    """Runs what needs a package registry."""
    try:
        _run(command, folder)
    except (AssertionError, subprocess.TimeoutExpired) as fault:
        raise Unavailable(f"its packages could not be fetched: {fault}") from fault


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OTEL_", "PYTHON"))}
    return {**kept, "GOTOOLCHAIN": "local", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more}


class Program:
    """A client that runs. Leaving the `with` block ends it."""

    def __init__(self, command: Command, client: Client, endpoint: str, service: str, *, patient: bool = False) -> None:
        """`endpoint` is a URL."""
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": client.protocol}
        patience = {"OTEL_EXPORTER_OTLP_TIMEOUT": client.patience} if patient else {}
        compressed = {"OTEL_EXPORTER_OTLP_COMPRESSION": client.compression} if client.compression else {}
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed with the program
        self.process = subprocess.Popen(
            command,
            env=_environment({"OTEL_SERVICE_NAME": service, **told, **compressed, **patience}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def order(self, number: str) -> None:
        """Has an order reported; `wait` returns when it was."""
        stream = _stream(self.process.stdin)
        stream.write(f"{number}\n")
        stream.flush()

    def wait(self, number: str) -> None:
        assert _stream(self.process.stdout).readline() == f"{number}\n", self.log()

    def end(self) -> int:
        """Lets it end in its own way; the exit code."""
        _stream(self.process.stdin).close()
        return self.process.wait(END_SECONDS)

    def log(self) -> str:
        """What the SDK had to say so far."""
        self._log.seek(0)
        return self._log.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with self.process, self._log:
            pass  # closes the streams and waits


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
