"""Starts the daemon as users do, as a process of its own, and ends it.

Ports are picked by the system and read from the log; the database and the surroundings (environment, data directory) are the
test's own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 20.0
FREE_PORTS = ("--grpc-port", "0", "--http-port", "0", "--api-port", "0")


def clean_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would set otlpd or an SDK; data directories lie in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTLPD_", "OTEL_"))}
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home), "PYTHONPATH": str(ROOT), **(more or {})}


def run_command(words: Sequence[str], home: Path, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`otlpd` with these words, until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "otlpd", *words],
        env=clean_environment(home, more),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class Daemon:
    """A running `otlpd serve`. Leaving the `with` block stops it, with force if it must be."""

    def __init__(self, database: Path, words: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self.database = database
        self.log: list[dict[str, Any]] = []
        """The log lines so far, each a JSON object."""
        self._ready: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "otlpd", "serve", "--db", str(database), "--log-format", "json"),
                *FREE_PORTS,
                *words,
            ],
            env=clean_environment(database.parent, environment),
            cwd=database.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        try:
            self.addresses = self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def grpc_url(self) -> str:
        return str(self.addresses["grpc"])

    @property
    def http_url(self) -> str:
        return str(self.addresses["http"])

    @property
    def api_url(self) -> str:
        return str(self.addresses["api"])

    @property
    def grpc_target(self) -> str:
        """What grpc.insecure_channel takes."""
        return urlsplit(self.grpc_url).netloc

    def get(self, path: str, headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None) -> Answer:
        return request("GET", self.api_url + path, headers=headers, tls=tls)

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of a good answer."""
        answer = self.get(path, headers)
        assert answer.status == 200, answer
        return answer.json()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def kill(self) -> int:
        """SIGKILL: what a power cut leaves."""
        self.process.kill()
        return self._wait()

    def _wait(self) -> int:
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._reader.join(STOP_SECONDS)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _read_log(self, lines: IO[str]) -> None:
        for text in lines:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"message": text.rstrip()}
            self.log.append(line)
            if line.get("message") == "ready":
                self._ready.put(line)
        self._ready.put(None)

    def _wait_until_ready(self) -> dict[str, Any]:
        ready = self._ready.get(timeout=START_SECONDS)
        if ready is None:
            raise AssertionError(f"otlpd ended instead of starting: {self.log}")
        return ready

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        else:
            self._wait()


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:300]!r}"


def request(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """One request on a connection of its own, by the standard library: nothing of ours takes part."""
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=10, context=tls)
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=10)
    )
    with contextlib.closing(connection):
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
