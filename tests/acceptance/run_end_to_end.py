"""The whole way of an event, step by step, for people: `python -m tests.acceptance.run_end_to_end`.

Starts a server on free ports with a database of its own, sends example telemetry as an agent sends it,
looks at what was stored and made of it, asks what a dashboard asks, and sends what must be refused. With `--production-db` the
server works on the configured database; with `--no-server` (or `--use-existing-server`) a running server is used.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from otlpd.config import load
from tests.running import Daemon, request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 15.0
USAGE = {"prompt_tokens": 11, "completion_tokens": 4}


class Failed(Exception):
    """A step did not give what it must."""


def main(words: Sequence[str] | None = None) -> int:
    arguments = _arguments(words)
    run = uuid.uuid4().hex[:12]
    try:
        with _server(arguments) as url:
            _say("1", "server", f"{url} is ready")
            agent = f"end-to-end-{run}"
            _say("2", "send", f"{_send(url, agent)} records accepted")
            _say("3", "storage and transformation", _verify(url, agent, run))
            _say("4", "dashboard questions", f"{_ask_as_a_dashboard(url, agent)} answered")
            _say("5", "errors", f"{_send_what_is_wrong(url)} refused, and said why")
    except Failed as error:
        _tell(f"[FAILED] {error}")
        return 1
    _tell("[OK] the whole way works")
    return 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("run_end_to_end", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--production-db", action="store_true", help="use the configured database, not one of its own")
    parser.add_argument(
        "--no-server", "--use-existing-server", action="store_true", dest="no_server", help="use a running server at --url"
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the running server (default %(default)s)")
    return parser.parse_args(words)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(number: str, name: str, words: str) -> None:
    _tell(f"Step {number}: {name}: {words}")


@contextlib.contextmanager
def _server(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.no_server:
        _wait_for(arguments.url)
        yield arguments.url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="otlpd-end-to-end-") as folder:
        database = load({}, to_serve=False).settings.db if arguments.production_db else Path(folder) / "test.db"
        database.parent.mkdir(parents=True, exist_ok=True)
        with Daemon(database) as daemon:
            _wait_for(daemon.api_url)
            yield daemon.api_url


def _wait_for(url: str) -> None:
    """Until /health says that a commit succeeds."""
    end = time.monotonic() + START_SECONDS
    problem = ""
    while time.monotonic() < end:
        try:
            answer = request("GET", f"{url}/health")
        except OSError as error:
            problem = str(error)
        else:
            if answer.status == 200 and "server_time" in answer.json():
                return
            problem = f"/health answers {answer.status}"
        time.sleep(0.2)
    raise Failed(f"no server at {url}: {problem}")


def _post(url: str, body: Any, expected: int) -> Any:
    answer = request("POST", url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    if answer.status != expected:
        raise Failed(f"POST {url} answers {answer.status} instead of {expected}: {answer.body[:300]!r}")
    return answer.json()


def _get(url: str, expected: int = 200) -> Any:
    answer = request("GET", url)
    if answer.status != expected:
        raise Failed(f"GET {url} answers {answer.status} instead of {expected}: {answer.body[:300]!r}")
    return answer.json()


def _expect(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failed(f"{name} is {found!r} instead of {wanted!r}")


def _events(agent: str) -> list[dict[str, Any]]:
    start = datetime.now(UTC) - timedelta(seconds=30)

    def event(second: int, event_type: str, **more: Any) -> dict[str, Any]:
        moment = (start + timedelta(seconds=second)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {"timestamp": moment, "agent_id": agent, "event_type": event_type, "session_id": f"{agent}-session", **more}

    return [
        event(0, "monitoring_enabled", channel="SYSTEM"),
        event(1, "LLM_call_start", channel="LLM", data={"model": "gpt-4o", "LLM_provider": "openai", "prompt": "Rain?"}),
        event(3, "LLM_call_finish", channel="LLM", data={"model": "gpt-4o", "usage": dict(USAGE)}),
        event(4, "call_start", channel="MCP", data={"tool_name": "forecast", "kwargs": {"city": "Bonn"}}),
        event(5, "call_finish", channel="MCP", data={"tool_name": "forecast", "result": "rain"}),
    ]  # fmt: skip


def _send(url: str, agent: str) -> int:
    """One alone, the others as a batch; a run of a job and a host's figures besides."""
    first, *others = _events(agent)
    _post(f"{url}/api/v1/telemetry", first, 202)
    _post(f"{url}/api/v1/telemetry/batch", others, 202)
    run = {
        "event_id": f"{agent}-run", "run_id": agent, "start_time": first["timestamp"], "agent_name": agent,
        "job_type": "verification", "status": "success", "duration_ms": 1500,
    }  # fmt: skip
    _expect("the new run's status", _post(f"{url}/api/v1/runs", run, 201)["status"], "created")
    _expect("the repeated run's status", _post(f"{url}/api/v1/runs", run, 201)["status"], "duplicate")
    sample = {"device_name": agent, "metric_name": "cpu_usage", "metric_value": 12.5}
    _post(f"{url}/api/v1/aggregator/metrics/", sample, 200)
    return len(others) + 3


def _verify(url: str, agent: str, run: str) -> str:
    name = quote(agent)
    events = _get(f"{url}/api/events/{name}")
    _expect("the number of events", len(events), 5)
    finish = next(event for event in events if event["event_type"] == "LLM_call_finish")
    _expect("the tokens as they were sent", finish["data"]["usage"], USAGE)
    calls = _get(f"{url}/api/llm-calls?agent={name}")
    _expect("the number of model calls", len(calls), 1)
    tools = _get(f"{url}/api/tool-calls?agent={name}")
    _expect("the number of tool calls", len(tools), 1)
    spans = _get(f"{url}/api/spans?service={name}&operation=verification")
    _expect("the duration of the run", [span["duration_ms"] for span in spans], [1500])
    return f"5 events are 1 model call and 1 tool call, the run is 1 span in run {run}"


def _ask_as_a_dashboard(url: str, agent: str) -> int:
    name = quote(agent)
    paths = [
        "/api/agents", f"/api/agents/{name}", f"/api/agents/{name}/summary", "/api/events?limit=5",
        f"/api/events/{name}/call_start", f"/api/metrics/{name}/event_counts", f"/api/metrics/{name}/event_types",
        f"/api/metrics/{name}/latency", f"/api/v1/reports/metrics/{name}", "/api/v1/reports/summary", "/api/traces?start=-1h",
        "/api/latency?group_by=service", "/api/anomalies", "/metrics",
    ]  # fmt: skip
    for path in paths:
        if not _get(url + path) and path != "/api/anomalies":
            raise Failed(f"{path} has nothing of what was sent")
    return len(paths)


def _send_what_is_wrong(url: str) -> int:
    wrong: list[tuple[str, Any, int]] = [
        ("/api/v1/telemetry", {}, 400),
        ("/api/v1/telemetry", {"wrong": "keys"}, 400),
        ("/api/v1/telemetry", {"timestamp": "no time", "agent_id": "x", "event_type": "y"}, 400),
        ("/api/v1/telemetry/batch", [], 400),
        ("/api/v1/runs", {"event_id": "x"}, 422),
    ]
    for path, body, status in wrong:
        _post(url + path, body, status)
    _get(f"{url}/api/agents/nobody-of-this-name", 404)
    return len(wrong) + 1


if __name__ == "__main__":
    sys.exit(main())
