"""The environment of the servers that otlpd stands in for, `.env` files, and what the monitoring backend shows and logs.

Started as users start them: what was set there is in force here, is told, and never goes before an OTLPD_ variable.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from otlpd.exit_codes import ExitCode
from tests.running import request, run_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartDaemon

JSON = {"Content-Type": "application/json"}
PAYLOAD = {
    "host": "server1", "server_id": "srv-001", "env": "production", "timestamp": "2024-01-20T12:34:56Z", "score": 0.7,
    "metrics": {
        "cpu_usage": 42.5, "memory_usage": 70.1, "disk_usage": 55.3, "network_rx_bytes_per_sec": 12345,
        "network_tx_bytes_per_sec": 6789, "tcp_connections": 12,
    },
    "local_alerts": ["CPU_SPIKE"],
    "logs": [{"container": "web-app", "message": "ends here \u001b[2J", "timestamp": "2024-01-20T12:34:56Z"}],
}  # fmt: skip


def settings_of(home: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """What `otlpd config` prints: value and origin of each setting."""
    done = run_command(["config"], home, environment)
    assert done.returncode == 0, done.stderr
    return {words[0]: words[1:] for line in done.stdout.splitlines() if (words := line.split(maxsplit=2))}


@pytest.mark.parametrize(
    ("environment", "setting", "value"),
    [
        ({"CYLESTIO_DB_PATH": "/tmp/c.db"}, "db", "/tmp/c.db"),
        ({"TELEMETRY_DB_PATH": "/tmp/t.db", "OTLPD_DB": "/tmp/o.db"}, "db", "/tmp/o.db"),
        ({"CYLESTIO_TEST_MODE": "true"}, "db", "data/test_cylestio.db"),
        ({"CYLESTIO_TEST_MODE": "true", "CYLESTIO_DB_PATH": "/tmp/c.db"}, "db", "/tmp/c.db"),
        ({"TELEMETRY_API_PORT": "8765"}, "api_port", "8765"),
        ({"TELEMETRY_API_HOST": "127.0.0.1"}, "host", "127.0.0.1"),
        ({"TELEMETRY_LOG_LEVEL": "WARNING"}, "log_level", "warning"),
        ({"INGEST_SECRET": "very secret"}, "ingest_secret", "**********"),
        ({"TELEMETRY_RATE_LIMIT_ENABLED": "true", "TELEMETRY_RATE_LIMIT_RPM": "120"}, "rate_limit", "2"),
    ],
)
def test_variable_means_what_it_meant(tmp_path: Path, environment: dict[str, str], setting: str, value: str) -> None:
    found, origin = settings_of(tmp_path, environment)[setting]
    assert found == value
    assert origin.startswith("environment ")


def test_env_file_is_read_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    """With comments after values, as the shipped examples have them."""
    (tmp_path / ".env").write_text(
        "# database\nTELEMETRY_DB_PATH=/tmp/file.db\nTELEMETRY_API_WORKERS=1  # must be 1\nTELEMETRY_API_PORT=8765\nOTHER=x\n"
    )
    found = settings_of(tmp_path, {"TELEMETRY_API_PORT": "9000"})
    assert (found["db"][0], found["api_port"][0]) == ("/tmp/file.db", "9000")


def test_more_than_one_worker_is_refused(tmp_path: Path) -> None:
    done = run_command(["config"], tmp_path, {"TELEMETRY_API_WORKERS": "4"})
    assert done.returncode == 2
    assert "TELEMETRY_API_WORKERS" in done.stderr


def test_what_was_taken_is_told(start_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = start_daemon(environment={"TELEMETRY_LOG_LEVEL": "INFO", "TELEMETRY_DB_JOURNAL_MODE": "DELETE"})
    daemon.stop()
    messages = [str(line["message"]) for line in daemon.log]
    assert any("log_level is taken from environment TELEMETRY_LOG_LEVEL" in message for message in messages)
    assert any("TELEMETRY_DB_JOURNAL_MODE is set and not needed" in message for message in messages)
    assert (tmp_path / "otlpd.db").exists()


def test_further_api_ports(start_daemon: StartDaemon) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start_daemon("--api-ports", str(port), "--host", "127.0.0.1")
    assert request("GET", f"http://127.0.0.1:{port}/health").json()["status"] == "ok"


def test_payloads_are_shown_and_logged(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """Each is one JSON line that jq reads, and a block for people in which nothing steers their terminal."""
    daemon = start_daemon("--ingest-log", "logs/ingest.log", "--ingest-console")
    for _ in range(2):
        answer = request("POST", f"{daemon.api_url}/ingest", json.dumps(PAYLOAD).encode())
        assert answer.status == 200
    daemon.stop()
    lines = (tmp_path / "logs" / "ingest.log").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["event_type"] for entry in entries] == ["monitoring_data_received"] * 2
    assert entries[0]["payload"] == PAYLOAD
    shown = "\n".join(str(line["message"]) for line in daemon.log)
    for text in (
        "Host: server1",
        "Owner Team: N/A",
        "CPU Usage: 42.5%",
        "Network RX: 12,345 bytes/sec",
        "LOCAL ALERTS (1):",
        "=" * 80,
    ):
        assert text in shown
    assert "\u001b" not in shown


def test_the_log_goes_to_a_file_as_well(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """And a file that cannot be is told before a port opens."""
    daemon = start_daemon("--log-file", "logs/otlpd.jsonl")
    daemon.stop()
    kept = [json.loads(line) for line in (tmp_path / "logs" / "otlpd.jsonl").read_text().splitlines()]
    assert [line["message"] for line in kept] == [line["message"] for line in daemon.log]
    (tmp_path / "file").write_text("")
    refused = run_command(["serve", "--log-file", "file/otlpd.jsonl", "--db", "other.db"], tmp_path)
    assert refused.returncode == ExitCode.USAGE
    assert "log_file: file/otlpd.jsonl" in refused.stderr


def test_what_is_kept_of_vendors_records_can_be_chosen(start_daemon: StartDaemon) -> None:
    """Without the exact text readers get the same values; with repeats two equal events are two."""
    daemon = start_daemon("--no-vendor-originals", "--vendor-repeats")
    event = b'{"timestamp": "2025-10-09T08:00:00Z",  "agent_id": "a", "event_type": "x", "data": {"n": 1.50}}'
    named = (
        b'{"schema_version": "1.0", "timestamp": "2025-10-09T08:00:00Z", "trace_id": null, "name": "user.input",'
        b' "level": "INFO", "agent_id": "b", "attributes": {"k": 5}}'
    )
    for _ in range(2):
        assert request("POST", f"{daemon.api_url}/api/v1/telemetry", event, JSON).status == 202
    numbers = {request("POST", f"{daemon.api_url}/v1/telemetry", named, JSON).json()["event_id"] for _ in range(2)}
    assert [found["data"] for found in daemon.ask("/api/events/a")] == [{"n": 1.5}] * 2
    assert {found["id"] for found in daemon.ask("/v1/telemetry/events?agent_id=b")} == numbers
    assert len(numbers) == 2
    for record in daemon.ask("/api/logs"):
        assert "log.record.original" not in record["attributes"]
    run = b'{"event_id": "e1", "run_id": "r1", "start_time": "2025-10-09T08:00:00Z", "agent_name": "a", "job_type": "j"}'
    answers = [request("POST", f"{daemon.api_url}/api/v1/runs", run, JSON).json()["status"] for _ in range(2)]
    assert answers == ["created", "duplicate"], "what has an id is one whatever is chosen"
    assert daemon.ask("/api/v1/runs/e1")["job_type"] == "j"
