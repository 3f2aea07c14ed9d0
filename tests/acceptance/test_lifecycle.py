"""Proves that starting and stopping leave nothing behind, in this process, and that no client can hold up a stop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from otlpd.config import Configuration, load
from otlpd.exit_codes import CannotStart, ExitCode
from otlpd.service import serve
from tests.running import request

if TYPE_CHECKING:
    from otlpd.addresses import Addresses
    from tests.running import Daemon

ROUNDS = 12
DESCRIPTORS = Path("/proc/self/fd")


def configuration(tmp_path: Path, **more: str) -> Configuration:
    ports = dict.fromkeys(("grpc_port", "http_port", "api_port"), "0")
    return load({"db": str(tmp_path / "otlpd.db"), "log_format": "json", **ports, **more})


async def run_once(settings: Configuration) -> list[Addresses]:
    """Start, and stop as soon as it is ready."""
    seen: list[Addresses] = []

    def stop(addresses: Addresses) -> None:
        seen.append(addresses)
        os.kill(os.getpid(), signal.SIGTERM)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        await serve(settings, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return seen


def counted() -> tuple[int, int]:
    return len(list(DESCRIPTORS.iterdir())), threading.active_count()


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="descriptors are counted in /proc")
async def test_many_rounds_leave_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    settings = configuration(tmp_path)
    # gRPC keeps a few of its own from its first use on, and the loop its default threads.
    for _ in range(3):
        await run_once(settings)
    before = counted()
    for _ in range(ROUNDS):
        assert await run_once(settings)
    after = counted()
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="descriptors are counted in /proc")
async def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """With each port taken in turn; the file can be opened again at once."""
    await run_once(configuration(tmp_path))
    before = counted()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        for name in ("grpc_port", "http_port", "api_port") * 3:
            with pytest.raises(CannotStart) as refused:
                await run_once(configuration(tmp_path, **{name: str(other.getsockname()[1])}))
            assert refused.value.code == ExitCode.ADDRESS
    after = counted()
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2
    assert await run_once(configuration(tmp_path))


def test_no_client_can_hold_up_a_stop(daemon: Daemon) -> None:
    """An open stream, an idle connection, one that says nothing, and a body that never ends; the bound is 8 s."""
    http_at, api_at = urlsplit(daemon.http_url), urlsplit(daemon.api_url)
    with ExitStack() as stack:
        idle = stack.enter_context(closing(http.client.HTTPConnection(api_at.netloc, timeout=20)))
        idle.request("GET", "/health")
        idle.getresponse().read()
        stream = stack.enter_context(closing(http.client.HTTPConnection(api_at.netloc, timeout=20)))
        stream.request("GET", "/api/stream")
        assert stream.getresponse().status == 200
        silent = stack.enter_context(socket.create_connection((http_at.hostname or "", http_at.port or 0)))
        assert silent.fileno() > 0
        slow = stack.enter_context(socket.create_connection((http_at.hostname or "", http_at.port or 0)))
        slow.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        request("GET", daemon.api_url + "/health")
        began = time.monotonic()
        assert daemon.stop() == ExitCode.OK
        assert time.monotonic() - began < 9.0


def test_a_second_signal_ends_it_at_once(daemon: Daemon) -> None:
    """While the first still waits for a body that never ends."""
    at = urlsplit(daemon.http_url)
    with socket.create_connection((at.hostname or "", at.port or 0)) as slow:
        slow.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        request("GET", daemon.api_url + "/health")
        daemon.process.send_signal(signal.SIGTERM)
        while not any("stopping" in str(line.get("message")) for line in daemon.log):
            time.sleep(0.01)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(2) == -signal.SIGTERM
