"""Proves that `kill -9` of the daemon, at a random moment under load over HTTP and gRPC, loses nothing that it acknowledged.

Eight senders write spans, logs and points and note what was acknowledged. Then the process dies in the middle of it. A new one
opens the same file (nothing holds it), has all that was acknowledged, and takes everything again without doubling it.
OTLPD_KILL_ROUNDS sets how many rounds are played, on one file that grows.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc
import pytest

from tests.faults.recount import connect, faults_of
from tests.faults.telemetry import SECOND, Log, Point, Span, logs_body, metrics_body, span_id, traces_body
from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Send = Callable[[str, bytes], bool]
    Transport = Callable[[Daemon], AbstractContextManager[Send]]

ROUNDS = int(os.environ.get("OTLPD_KILL_ROUNDS", "3"))
SENDERS = 8
PER_REQUEST = 20
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}


def body_of(signal: str, first: int) -> bytes:
    """A request of items that are numbered from `first`; a number tells an item from all others."""
    numbers = range(first, first + PER_REQUEST)
    if signal == "traces":
        return traces_body(Span(one // 7, one, name=f"op{one % 5}", start=one * SECOND, failed=one % 9 == 0) for one in numbers)
    if signal == "logs":
        return logs_body(Log(f"hello {one}", one) for one in numbers)
    return metrics_body(Point(f"m{one % 10}", float(one), time=one) for one in numbers)


class Load:
    """Senders that go on until the daemon is gone; `acknowledged` and `sent` have the (signal, first number) of requests."""

    def __init__(self, daemon: Daemon, first: int) -> None:
        self.sent: set[tuple[str, int]] = set()
        self.acknowledged: set[tuple[str, int]] = set()
        self._next = first
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(over_http if number % 2 else over_grpc, daemon, number))
            for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, transport: Transport, daemon: Daemon, number: int) -> None:
        signals = list(METHODS)
        with transport(daemon) as send:
            acknowledged = True
            while acknowledged:
                number += 1
                signal = signals[number % len(signals)]
                with self._lock:
                    first = self._next
                    self._next += PER_REQUEST
                    self.sent.add((signal, first))
                acknowledged = send(signal, body_of(signal, first))
                if acknowledged:
                    with self._lock:
                        self.acknowledged.add((signal, first))

    def join(self) -> None:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


@contextmanager
def over_http(daemon: Daemon) -> Iterator[Send]:
    with closing(http.client.HTTPConnection(urlsplit(daemon.http_url).netloc, timeout=10)) as connection:

        def send(signal: str, body: bytes) -> bool:
            try:
                connection.request("POST", f"/v1/{signal}", body, {"Content-Type": "application/x-protobuf"})
                with connection.getresponse() as response:
                    response.read()
                    return response.status == 200
            except (OSError, http.client.HTTPException):
                return False

        yield send


@contextmanager
def over_grpc(daemon: Daemon) -> Iterator[Send]:
    with grpc.insecure_channel(daemon.grpc_target) as channel:

        def send(signal: str, body: bytes) -> bool:
            try:
                channel.unary_unary(METHODS[signal], None, None)(body, timeout=10)
            except grpc.RpcError:
                return False
            return True

        yield send


def numbers_of(path: Path) -> dict[str, list[int]]:
    """The numbers of the items that are stored, with repetitions."""
    with closing(connect(path)) as connection:
        return {
            "traces": [int(row[0][8:], 16) for row in connection.execute("select span_id from spans order by 1")],
            "logs": [int(row[0].split()[1]) for row in connection.execute("select body from logs")],
            "metrics": [int(row[0]) for row in connection.execute("select value from metric_points")],
        }


def items(requests: set[tuple[str, int]]) -> dict[str, set[int]]:
    return {
        signal: {one for name, first in requests if name == signal for one in range(first, first + PER_REQUEST)}
        for signal in METHODS
    }


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_kill_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    chance = random.Random()
    sent: set[tuple[str, int]] = set()
    acknowledged: set[tuple[str, int]] = set()
    assert span_id(7) == "00005eed00000007"
    for round_ in range(ROUNDS):
        with Daemon(path) as daemon:
            load = Load(daemon, round_ * 10_000_000)
            time.sleep(chance.uniform(0.3, 1.5))
            daemon.kill()
        load.join()
        sent |= load.sent
        acknowledged |= load.acknowledged
        assert len(load.acknowledged) > SENDERS
        check(path, acknowledged, sent)
    with Daemon(path) as daemon:
        with over_http(daemon) as by_http, over_grpc(daemon) as by_grpc:
            for place, (signal, first) in enumerate(sorted(sent)):
                if place % 3 == 0 or (signal, first) not in acknowledged:
                    assert (by_http, by_grpc)[place % 2](signal, body_of(signal, first))
        stored = {signal: sorted(numbers) for signal, numbers in numbers_of(path).items()}
        assert stored == {signal: sorted(numbers) for signal, numbers in items(sent).items()}
    assert faults_of(path) == []


def check(path: Path, acknowledged: set[tuple[str, int]], sent: set[tuple[str, int]]) -> None:
    """Right after the death, before any new process has touched the file."""
    stored = numbers_of(path)
    for signal, numbers in items(acknowledged).items():
        assert numbers <= set(stored[signal])
        assert len(stored[signal]) == len(set(stored[signal]))
        assert set(stored[signal]) <= items(sent)[signal]
    assert faults_of(path) == []
