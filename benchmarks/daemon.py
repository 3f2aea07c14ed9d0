"""Runs the real daemon as a child, the way a user does, and looks at what it costs from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_WITHIN_SECONDS = 30.0
STOP_WITHIN_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Daemon:
    process: psutil.Process
    database: Path
    grpc_port: int
    http_port: int
    api_port: int
    ready_seconds: float

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}{path}", timeout=60) as answer:
            return json.load(answer)

    def memory_mib(self) -> float:
        """Resident memory of the daemon and its decoding processes."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family) / 2**20

    def cpu_seconds(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in family)

    def file_bytes(self) -> int:
        return self.database.stat().st_size


@contextlib.contextmanager
def daemon(database: Path, *extra: str) -> Iterator[Daemon]:
    """A daemon on free ports; stopped with SIGTERM."""
    grpc_port, http_port, api_port = free_port(), free_port(), free_port()
    command = [sys.executable, "-m", "otlpd", "serve", "--db", str(database), "--host", "127.0.0.1", *extra]
    command += ["--grpc-port", str(grpc_port), "--http-port", str(http_port), "--api-port", str(api_port)]
    log = database.with_suffix(".log")
    started = time.perf_counter()
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    try:
        ready_seconds = _wait_until_ready(child, api_port, started, log)
        yield Daemon(psutil.Process(child.pid), database, grpc_port, http_port, api_port, ready_seconds)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(STOP_WITHIN_SECONDS)


def _wait_until_ready(child: subprocess.Popen[bytes], api_port: int, started: float, log: Path) -> float:
    while time.perf_counter() - started < READY_WITHIN_SECONDS:
        if child.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{api_port}/health", timeout=5):
            return time.perf_counter() - started
        time.sleep(0.01)
    raise RuntimeError(f"the daemon did not become ready:\n{log.read_text()}")
