"""What the documents of the systems print, sent with curl as printed to a daemon as users start it, and what they say comes back.

The bodies are those of proto_fixtures/vendors: whatever is recorded there is sent to the daemon, once and again.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartDaemon

FIXTURES = Path(__file__).parents[2] / "proto_fixtures" / "vendors"
# This one tells of the same run as another.
ALONE = "single_running_with_nulls"
RECORDED = sorted(FIXTURES.glob("*/*.otlp.json"))
FULL, MINIMAL = (FIXTURES / "richardops" / f"{name}_payload.json" for name in ("full", "minimal"))
RUN = FIXTURES / "local_telemetry" / "single.json"
BLOCK = """\
================================================================================
📊 MONITORING DATA RECEIVED - TIME
================================================================================
🖥️  Host: server1
🆔 Server ID: srv-001
🌍 Environment: production
👥 Owner Team: devops
⏰ Timestamp: 2024-01-20T12:34:56Z
📈 Score: 0.7

📊 SYSTEM METRICS:
  CPU Usage: 42.5%
  Memory Usage: 70.1%
  Disk Usage: 55.3%
  Network RX: 12,345 bytes/sec
  Network TX: 6,789 bytes/sec
  TCP Connections: 12

🐳 DOCKER EVENTS (1):
  start: web-app (nginx:latest)

📝 CONTAINER LOGS (1):
  web-app: Server started successfully

🚨 LOCAL ALERTS (1):
  ⚠️  CPU_SPIKE
================================================================================"""
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def curl(url: str, *words: str) -> tuple[int, Any]:
    """Status and JSON of the answer."""
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *words, url], capture_output=True, text=True, timeout=20, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def post(url: str, body: str) -> tuple[int, Any]:
    return curl(url, "-X", "POST", "-H", "Content-Type: application/json", "--data-binary", body)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One for all recorded bodies: no two of them are the same records."""
    with Daemon(tmp_path_factory.mktemp("printed") / "otlpd.db") as daemon:
        yield daemon


@pytest.mark.parametrize("expectation", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name.split('.')[0]}")
def test_recorded_body_is_answered_as_recorded(shared: Daemon, start_daemon: StartDaemon, expectation: Path) -> None:
    daemon = start_daemon() if expectation.name.startswith(ALONE) else shared
    expected = json.loads(expectation.read_bytes())
    asked = expected["request"]
    body = expectation.with_name(expectation.name.replace(".otlp.json", ".json"))
    given_headers = {"content-type": "application/json", **asked["headers"]}
    headers = [word for name, value in given_headers.items() for word in ("-H", f"{name}: {value}")]
    for name in ("answer", "answer_when_sent_again"):
        answer = expected.get(name) or expected["answer"]
        status, given = curl(
            daemon.api_url + asked["path"], "-X", asked["method"], *headers, "--data-binary", f"@{body}",
        )  # fmt: skip
        assert status == answer["status"]
        assert settled(given, asked) == settled(answer["body"], asked)


def settled(body: Any, asked: Any) -> Any:
    """Without what the clock and the store choose."""
    volatile = {"id", "event_id"} if asked["path"].startswith("/v1/") else set()
    if "/ingest" in asked["path"] or "/aggregator" in asked["path"]:
        volatile.add("timestamp")
    return {key: value for key, value in body.items() if key not in volatile}


def test_monitoring_payload_as_printed(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """On the console as printed, in the log as JSON, and in the answers of otlpd and of the later read endpoints."""
    daemon = start_daemon("--ingest-log", "logs/ingest.log", "--ingest-console")
    status, answer = post(f"{daemon.api_url}/ingest", FULL.read_text())
    assert (status, answer["status"], answer["message"]) == (200, "success", "Monitoring data received from server1")
    assert post(f"{daemon.api_url}/ingest", MINIMAL.read_text())[0] == 200
    assert curl(f"{daemon.api_url}/healthz")[1].items() >= {"status": "ok", "service": "monitoring-backend"}.items()
    status, about = curl(f"{daemon.api_url}/")
    assert about["endpoints"]["ingest"].endswith("/ingest")
    figures = daemon.ask("/metrics/recent")
    assert [(one["host"], one["cpu_usage"], one["tcp_connections"]) for one in figures] == [
        ("server1", 42.5, 12), ("test-server", 25.0, 5),
    ]  # fmt: skip
    assert [one["message"] for one in daemon.ask("/logs/recent")] == ["Server started successfully"]
    assert [one["type"] for one in daemon.ask("/alerts")] == ["CPU_SPIKE"]
    assert [(one["container"], one["status"]) for one in daemon.ask("/containers")] == [("web-app", "running")]
    query = "/api/metrics/query?name=system.cpu.utilization&aggregate=max&start=2024-01-20&end=2024-01-21&group_by=host.name"
    assert len(daemon.ask(query)) >= 1
    daemon.stop()
    shown = "\n".join(line["message"] for line in daemon.log if set(line) == {"message"})
    assert re.sub(r"RECEIVED - .*", "RECEIVED - TIME", shown).startswith(BLOCK)
    entries = [json.loads(line) for line in (tmp_path / "logs" / "ingest.log").read_text().splitlines()]
    assert [set(entry) for entry in entries] == [{"timestamp", "event_type", "payload"}] * 2
    assert entries[0]["payload"] == json.loads(FULL.read_text())


def test_run_as_printed(daemon: Daemon) -> None:
    event_id = json.loads(RUN.read_text())["event_id"]
    url = f"{daemon.api_url}/api/v1/runs"
    assert post(url, RUN.read_text()) == (201, {"status": "created", "event_id": event_id, "run_id": "test-run-001"})
    duplicate = {"status": "duplicate", "event_id": event_id, "message": "Event already exists (idempotent)"}
    assert post(url, RUN.read_text()) == (201, duplicate)
    status, health = curl(f"{daemon.api_url}/health")
    assert (status, health["status"], health["db_path"], health["synchronous"]) == (200, "ok", str(daemon.database), "FULL")
    _, metrics = curl(f"{daemon.api_url}/metrics")
    assert (metrics["total_runs"], metrics["agents"], metrics["recent_24h"]) == (1, {"test-agent": 1}, 1)
    assert metrics["performance"]["db_path"] == str(daemon.database)
    daemon.kill()
    with contextlib.closing(sqlite3.connect(daemon.database)) as file:
        assert file.execute("select count(*) from logs where event_name = 'telemetry.run'").fetchone() == (1,)
