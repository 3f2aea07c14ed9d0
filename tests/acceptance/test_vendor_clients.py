"""Clients written after the documents of the five systems, against a daemon that dies (`kill -9`) again and again as they send.

Each does what the document or the shipped client does when an answer fails to come: it sends again, later, in another order, in
other company. In the end everything is there, and everything is there once.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from contextlib import closing
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import Daemon, request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)  # the daemon starts some times
DEATHS = 3
EACH = 40
JSON = {"Content-Type": "application/json"}


class Server:
    """The daemon at whatever address it has now. It dies at random moments, mostly with requests in flight."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._daemon = Daemon(database)
        self.url = self._daemon.api_url
        self._random = random.Random(7)
        self.unanswered = 0

    def die_and_come_back(self) -> None:
        time.sleep(self._random.uniform(0.05, 0.4))
        self._daemon.kill()
        self._daemon = Daemon(self._database)
        self.url = self._daemon.api_url

    def post(self, path: str, body: Any) -> Any | None:
        """The JSON of a good answer; None for anything else, as the clients see it."""
        try:
            answer = request("POST", self.url + path, json.dumps(body).encode(), JSON)
        except (OSError, HTTPException):
            self.unanswered += 1
            return None
        return answer.json() if answer.status in {200, 201, 202} else None

    def post_until_taken(self, path: str, body: Any) -> Any:
        while (answer := self.post(path, body)) is None:
            time.sleep(0.02)
        return answer

    def ask(self, path: str) -> Any:
        return self._daemon.ask(path)

    def stop(self) -> None:
        assert self._daemon.stop() == 0


def moment(number: int) -> str:
    return f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000001Z"


def monitored_agent(server: Server) -> None:
    """Posts event by event; start and finish of a call are two of them."""
    for number in range(EACH):
        kind = "LLM_call_finish" if number % 2 else "LLM_call_start"
        data = {"model": "gpt-4o", "usage": {"prompt_tokens": 3, "completion_tokens": 1}} if number % 2 else {"model": "gpt-4o"}
        event = {"timestamp": moment(number), "agent_id": "mini", "event_type": kind, "session_id": "s", "data": data}
        server.post_until_taken("/api/v1/telemetry", event)


def monitored_agent_in_batches(server: Server) -> None:
    for first in range(0, EACH, 5):
        events = [
            {"schema_version": "1.0", "timestamp": moment(number), "trace_id": "c" * 32, "span_id": f"{number:016x}",
             "name": "tool.execution", "level": "INFO", "agent_id": "local", "attributes": {"n": number}}
            for number in range(first + 1, first + 6)
        ]  # fmt: skip
        answer = server.post_until_taken("/v1/telemetry/batch", {"events": events})
        assert (answer["processed"], answer["failed"]) == (5, 0)


def uploader(server: Server) -> None:
    """What was not answered with 200 goes back to the end of the queue. One sample has no value, and must block nothing."""
    queue = [
        {"device_name": "Device 1", "metric_name": "cpu_usage", "value": number / 2, "timestamp": moment(number)}
        for number in range(EACH)
    ]
    queue.insert(3, {"device_name": "Device 1", "metric_name": "cpu_usage", "timestamp": moment(0)})
    refused = []
    while queue:
        batch, queue = queue[:7], queue[7:]
        answer = server.post("/api/v1/aggregator/metrics/batch", batch)
        if answer is None:
            queue += batch
            time.sleep(0.02)
        else:
            refused += answer.get("errors", [])
    assert len(refused) >= 1


def go_agent(server: Server) -> None:
    """Empty lists are null. What failed waits, and is repeated by the next payload as well: buffers are cleared by a success."""
    waiting: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for number in range(EACH):
        events.append(
            {"type": "container", "action": "start", "container": f"c{number}", "image": "i", "timestamp": moment(number)}
        )
        metrics = {
            "cpu_usage": 1.5, "memory_usage": 2, "disk_usage": 3, "network_rx_bytes_per_sec": number,
            "network_tx_bytes_per_sec": 2**63, "tcp_connections": 5,
        }  # fmt: skip
        payload = {
            "host": "go", "timestamp": moment(number), "metrics": metrics, "docker_events": list(events), "logs": None,
            "local_alerts": None, "score": 0,
        }  # fmt: skip
        if any(server.post("/ingest", payload) for _ in range(3)):
            events.clear()
        else:
            waiting.append(payload)
    for payload in waiting:
        server.post_until_taken("/ingest", payload)


def job_runner(server: Server) -> None:
    """Tells each run at its start and, under the same event id, at its end; what failed goes through a buffer file."""
    buffer: list[dict[str, Any]] = [{"event_id": "bad", "run_id": 5}]
    for number in range(EACH):
        run: dict[str, Any] = {
            "event_id": f"run-{number}", "run_id": f"r-{number}", "start_time": moment(number), "agent_name": "jobs",
            "job_type": "night", "status": "running", "duration_ms": None,
        }  # fmt: skip
        ended = {**run, "status": "success", "end_time": moment(number + 1), "duration_ms": 1000}
        buffer += (told for told in (run, ended) if server.post("/api/v1/runs", told) is None)
    answer = server.post_until_taken("/api/v1/runs/batch", buffer)
    assert answer["total"] == len(buffer)
    assert len(answer["errors"]) == 1


CLIENTS: tuple[Callable[[Server], None], ...] = (
    monitored_agent, monitored_agent_in_batches, uploader, go_agent, job_runner,
)  # fmt: skip


class Running(threading.Thread):
    """A client on its own; what it asserts is told when it is joined."""

    def __init__(self, client: Callable[[Server], None], server: Server) -> None:
        super().__init__(name=client.__name__)
        self._client = client
        self._server = server
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._client(self._server)
        except BaseException as error:  # noqa: BLE001  raised again by whoever joins
            self.error = error


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    server = Server(tmp_path / "otlpd.db")
    running = [Running(client, server) for client in CLIENTS]
    for client in running:
        client.start()
    for _ in range(DEATHS):
        server.die_and_come_back()
    for client in running:
        client.join()
    for client in running:
        if client.error is not None:
            raise client.error
    assert server.unanswered > DEATHS, "it must have died with requests in flight"
    assert {run["status"] for run in server.ask("/api/v1/runs?limit=1000")} == {"success"}
    assert server.ask("/api/agents/mini")["event_count"] == EACH
    server.stop()
    with closing(sqlite3.connect(tmp_path / "otlpd.db")) as file:
        names = dict(file.execute("select coalesce(event_name, ''), count(*) from logs group by 1").fetchall())
        kinds = "select count(*), count(distinct attributes ->> '$.\"container.name\"') from logs where event_name = ?"
        docker = file.execute(kinds, ("richardops.docker.event",)).fetchone()
        points = file.execute(
            "select count(*), count(distinct points.time) from metric_points as points"
            " join metric_streams as streams on streams.id = points.stream_id where streams.name = 'device_metrics.cpu_usage'"
        ).fetchone()
        spans = file.execute("select count(*), count(distinct span_id) from spans where name = 'night'").fetchone()
        calls = file.execute("select count(*), sum(input_tokens) from llm_calls where agent_name = 'mini'").fetchone()
    assert names["cylestio.LLM_call_start"] == names["cylestio.LLM_call_finish"] == EACH // 2
    assert names["tool.execution"] == names["device_metrics.sample"] == EACH
    assert names["richardops.payload"] == EACH
    assert docker == (EACH, EACH)
    assert points == spans == (EACH, EACH)
    assert calls == (EACH // 2, 3 * EACH // 2)
