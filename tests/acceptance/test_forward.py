"""`otlpd serve --forward`: two daemons as users start them, the first killed with SIGKILL while it forwards to the second."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import request, run_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import StartDaemon
    from tests.running import Daemon

pytestmark = pytest.mark.timeout(180)
EVENTS, REQUESTS = 50, 30


def send(daemon: Daemon, number: int) -> None:
    """Records that have no identity of their own."""
    records = [{"timeUnixNano": str(10**18 + number), "body": {"stringValue": f"{number}.{part}"}} for part in range(EVENTS)]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    answer = request("POST", f"{daemon.http_url}/v1/logs", body, {"Content-Type": "application/json"})
    assert answer.status == 200, answer


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


def test_killed_while_it_forwards(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """Killed three times at some moment of forwarding: every record arrives, and each one once."""
    upstream = start_daemon(database=tmp_path / "upstream.db")
    path = tmp_path / "edge.db"
    for round_ in range(3):
        edge = start_daemon("--forward", upstream.grpc_url.replace("http://", "grpc://"), database=path)
        for number in range(REQUESTS):
            send(edge, round_ * REQUESTS + number)
        time.sleep(0.03 * round_)
        edge.kill()
    edge = start_daemon("--forward", upstream.http_url, database=path)
    total = 3 * REQUESTS * EVENTS
    wait_for(lambda: edge.ask("/api/exporters")[0]["queues"]["logs"]["pending"] == 0)
    wait_for(lambda: upstream.ask("/api/stats")["logs"] >= total)
    assert upstream.ask("/api/stats")["logs"] == total
    assert edge.ask("/api/exporters")[0]["queues"]["logs"]["lost"] == 0


def test_upstream_that_is_killed_and_comes_back(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """The upstream's address is free for a while; what was sent meanwhile waits in the edge's file."""
    upstream = start_daemon(database=tmp_path / "upstream.db")
    port = upstream.http_url.rpartition(":")[2]
    edge = start_daemon("--forward", upstream.http_url, database=tmp_path / "edge.db")
    send(edge, 1)
    upstream.kill()
    for number in range(2, 12):
        send(edge, number)
    again = start_daemon("--http-port", port, database=tmp_path / "upstream.db")
    wait_for(lambda: again.ask("/api/stats")["logs"] >= 11 * EVENTS)
    wait_for(lambda: edge.ask("/api/exporters")[0]["state"] == "idle")
    assert again.ask("/api/stats")["logs"] == 11 * EVENTS


def test_forwarding_to_itself_is_refused(tmp_path: Path) -> None:
    """Its own port on loopback, by any of its names: log records would go round for ever."""
    for address in ("http://localhost:4318", "grpc://127.0.0.1:4317", "http://[::1]:8000"):
        done = run_command(["serve", "--db", "loop.db", "--forward", address], tmp_path)
        assert done.returncode == 2, done.stderr
        assert "this daemon itself" in done.stderr
