"""Readers of the other systems get what they ask for: every read endpoint, after its writer's own payloads.

Times are UTC and say so, unknown things are 404 in the system's style, wrong values are named, and both slash forms answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from query.legacy.agent_events import EventCounts
from query.legacy.application import SYSTEMS
from query.routes import ROUTES
from tests.integration.vendor_harness import ENGINE, NOW, serve

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore
    from tests.integration.vendor_harness import Api

pytestmark = pytest.mark.filterwarnings("error")
SECOND = 10**9


@pytest.fixture
async def api(aiohttp_client: AiohttpClient, store: SqliteStore) -> Api:
    return await serve(aiohttp_client, store)


def at(second: int) -> str:
    """Seconds before NOW, which is 08:53:20."""
    return f"2025-10-09T08:53:{20 - second:02d}.250000Z"


def flat(event_type: str, second: int, agent: str = "weather", **more: Any) -> dict[str, Any]:
    return {"timestamp": at(second), "agent_id": agent, "event_type": event_type, "session_id": "s1", **more}


def _seen(second: int) -> str:
    return at(second).replace(".250000Z", ".250000000Z")


MINI = [
    flat("LLM_call_start", 10, channel="LLM", data={"model": "gpt-4o", "LLM_provider": "OpenAI", "prompt": "hi"}),
    flat(
        "LLM_call_finish", 8, channel="LLM",
        data={"model": "gpt-4o", "duration": 2, "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}},
        caller={"file": "a.py", "line": 3, "function": "f"},
    ),
    flat("call_start", 7, channel="MCP", data={"tool_name": "forecast", "kwargs": {"city": "Bonn"}}),
    flat("call_finish", 6, channel="MCP", level="ERROR", data={"tool_name": "forecast", "error": "no such city", "duration": 1}),
    flat("security_alert", 5, data={"alert": "dangerous", "reason": "injection"}, level="CRITICAL"),
    flat("monitoring_enabled", 4, agent="other"),
]  # fmt: skip


def named(name: str, second: int, **attributes: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.0", "timestamp": at(second), "trace_id": "a" * 32, "span_id": f"{second:016x}",
        "parent_span_id": None, "name": name, "level": attributes.pop("level", "INFO"), "agent_id": "planner",
        "attributes": {"session.id": "s9", **attributes},
    }  # fmt: skip


LOCAL = [
    named("llm.call.start", 18, **{"llm.vendor": "openai", "llm.model": "gpt-4o", "llm.request.type": "chat"}),
    {
        **named(
            "llm.call.finish", 16,
            **{
                "llm.vendor": "openai", "llm.model": "gpt-4o", "llm.response.duration_ms": 1500,
                "llm.usage.input_tokens": 100, "llm.usage.output_tokens": 50,
            },
        ),
        "span_id": f"{18:016x}",
    },
    named("tool.start", 15, **{"tool.name": "search", "tool.params": {"q": "x"}}),
    {**named("tool.error", 14, level="ERROR", **{"tool.name": "search"}), "span_id": f"{15:016x}"},
    named(
        "security.content.suspicious", 13, level="SECURITY_ALERT",
        **{"security.alert_level": "suspicious", "security.category": "prompt", "security.severity": "medium"},
    ),
]  # fmt: skip


async def test_mini_server_events(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    events = await api.ask("/api/events")
    assert [event["event_type"] for event in events] == [event["event_type"] for event in reversed(MINI)]
    finish = next(event for event in events if event["event_type"] == "LLM_call_finish")
    assert {key: finish[key] for key in ("timestamp", "level", "agent_id", "channel", "direction", "session_id")} == {
        "timestamp": at(8), "level": "INFO", "agent_id": "weather", "channel": "LLM", "direction": "incoming", "session_id": "s1",
    }  # fmt: skip
    assert finish["duration_ms"] == 2000
    assert finish["data"] == MINI[1]["data"]
    one = await api.ask(f"/api/events/{finish['id']}")
    assert (one["caller_file"], one["caller_line"], one["caller_function"]) == ("a.py", 3, "f")
    assert await api.refusal("/api/events/999") == (404, {"detail": "Event with ID 999 not found"})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"agent_id": "other"}, ["monitoring_enabled"]),
        ({"event_type": "call_start"}, ["call_start"]),
        ({"channel": "MCP"}, ["call_finish", "call_start"]),
        ({"level": "ERROR"}, ["call_finish"]),
        ({"session_id": "s1", "limit": "2"}, ["monitoring_enabled", "security_alert"]),
        ({"limit": "1", "offset": "1"}, ["security_alert"]),
        ({"sort": "asc", "limit": "2"}, ["LLM_call_start", "LLM_call_finish"]),
        ({"from_time": at(5)}, ["monitoring_enabled", "security_alert"]),
        ({"to_time": at(10)}, ["LLM_call_start"]),
        ({"from_time": "2025-10-09T10:53:15.25+02:00", "to_time": at(5)}, ["security_alert"]),
    ],
)
async def test_mini_server_filters(api: Api, parameters: dict[str, str], expected: list[str]) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    assert [event["event_type"] for event in await api.ask("/api/events", **parameters)] == expected


async def test_mini_server_events_of_an_agent(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", [*MINI, flat("x", 1, agent="77")], 202)
    assert len(await api.ask("/api/events/weather")) == 5
    assert [event["event_type"] for event in await api.ask("/api/events/weather/call_start")] == ["call_start"]
    assert [event["event_type"] for event in await api.ask("/api/events/77")] == ["x"], "an agent goes before a number"
    assert await api.ask("/api/events/nobody") == []


async def test_mini_server_agents(api: Api) -> None:
    """Every agent that sent an event, also one that only reported to be there; what comes later is counted on top."""
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    agents = await api.ask("/api/agents")
    keys = ("agent_id", "llm_provider", "event_count", "first_seen", "last_seen")
    other, weather = ([agent[key] for key in keys] for agent in agents)
    assert other == ["other", None, 1, _seen(4), _seen(4)]
    assert weather[:3] == ["weather", "gpt-4o", 5]
    assert weather[4] == _seen(5), "the alert is no call, and was seen"
    later = flat("LLM_call_finish", 1, data={"model": "gpt-5", "duration": 4})
    await api.post("/api/v1/telemetry", later, 202)
    one = await api.ask("/api/agents/weather")
    assert (one["event_count"], one["llm_provider"]) == (6, "gpt-5")
    assert (one["first_event"], one["first_event_time"]) == ("LLM_call_start", _seen(10))
    assert (one["latest_event"], one["latest_event_time"]) == ("LLM_call_finish", _seen(1))
    summary = await api.ask("/api/agents/weather/summary")
    assert summary["event_count_by_type"] == {
        "LLM_call_finish": 2, "LLM_call_start": 1, "call_start": 1, "call_finish": 1, "security_alert": 1,
    }  # fmt: skip
    assert summary["event_count_by_channel"] == {"LLM": 3, "MCP": 2, "SECURITY": 1}
    assert summary["avg_response_time_ms"] == pytest.approx(3000)
    quiet = await api.ask("/api/agents/other/summary")
    assert (quiet["event_count_by_type"], quiet["avg_response_time_ms"]) == ({"monitoring_enabled": 1}, 0)
    assert (await api.refusal("/api/agents/nobody"))[0] == (await api.refusal("/api/agents/nobody/summary"))[0] == 404


async def test_mini_server_figures_of_an_agent(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    counts = await api.ask("/api/metrics/weather/event_counts", interval="minute")
    assert counts == {
        "agent_id": "weather", "total": 5, "by_level": {"INFO": 3, "CRITICAL": 1, "ERROR": 1},
        "by_channel": {"LLM": 2, "MCP": 2, "SECURITY": 1},
        "timeseries": [{"interval": "2025-10-09T08:53:00.000000Z", "count": 5}],
    }  # fmt: skip
    types = await api.ask("/api/metrics/weather/event_types")
    assert types["event_types"] == dict.fromkeys((event["event_type"] for event in MINI[:5]), 1)
    latency = await api.ask("/api/metrics/weather/latency")
    assert latency == {
        "agent_id": "weather", "avg_duration_ms": 2000, "median_duration_ms": 2000, "min_duration_ms": 2000,
        "max_duration_ms": 2000,
        "p90_duration_ms": 2000, "p95_duration_ms": 2000, "p99_duration_ms": 2000, "total_requests": 1,
    }  # fmt: skip
    assert (await api.ask("/api/metrics/other/latency"))["total_requests"] == 0
    assert await api.refusal("/api/metrics/nobody/latency") == (404, {"detail": "Agent with ID 'nobody' not found"})


async def test_mini_server_overall_figures(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    assert await api.ask("/api/metrics/agents/count") == 2
    assert [agent["agent_id"] for agent in await api.ask("/api/metrics/agents/recent", limit="1")] == ["other"]
    assert await api.ask("/api/metrics/agents/providers") == {"gpt-4o": 1}
    assert await api.ask("/api/metrics/events/count") == 6
    assert await api.ask("/api/metrics/events/count", agent_id="other") == 1
    assert await api.ask("/api/metrics/events/by_level") == {"INFO": 4, "CRITICAL": 1, "ERROR": 1}
    assert (await api.ask("/api/metrics/events/by_channel"))["LLM"] == 2
    assert (await api.ask("/api/metrics/events/by_type"))["call_start"] == 1
    assert await api.ask("/api/metrics/events/timeseries", channel="MCP") == [
        {"interval": "2025-10-09T08:00:00.000000Z", "count": 2}
    ]
    assert (await api.ask("/api/metrics/performance/response_times"))["max_duration_ms"] == 2000
    assert await api.ask("/api/metrics/performance/requests_by_day") == [{"day": "2025-10-09", "count": 1}]
    assert await api.ask("/api/metrics/sessions/count") == 2
    sessions = await api.ask("/api/metrics/sessions/recent")
    assert {session["agent_id"]: session["total_events"] for session in sessions} == {"weather": 5, "other": 1}
    assert await api.ask("/api/metrics/sessions/avg_duration") == pytest.approx(2.5)
    assert await api.ask("/api/metrics/sessions/avg_events_per_session") == pytest.approx(3)
    assert (await api.refusal("/api/metrics/sessions/nothing"))[0] == 404


async def test_mini_server_second_api(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    agents = await api.ask("/api/v1/agents", limit="1", sort_by="agent_id", sort_order="asc")
    assert agents["pagination"] == {"total": 2, "limit": 1, "offset": 0, "has_more": True}
    assert agents["results"][0]["status"] == "active"
    assert (await api.ask("/api/v1/agents/weather"))["event_count"] == 5
    assert (await api.refusal("/api/v1/agents/nobody"))[0] == 404
    found = await api.ask("/api/v1/agents/weather/events", event_type="call_start,call_finish", sort_order="asc")
    assert [event["event_type"] for event in found["results"]] == ["call_start", "call_finish"]
    details = await api.ask(f"/api/v1/agents/weather/events/{found['results'][0]['id']}")
    assert [event["event_type"] for event in details["related_events"]] == ["call_finish"]
    for kind in ("performance", "usage", "errors"):
        metrics = (await api.ask("/api/v1/agents/weather/metrics", metric_type=kind))["metrics"]
        assert metrics["type"] == kind
        assert metrics["time_series"]
    assert (await api.refusal("/api/v1/agents/weather/metrics", metric_type="x"))[0] == 400
    alerts = await api.ask("/api/v1/alerts", severity="high")
    assert [alert["event_type"] for alert in alerts["results"]] == ["security_alert"]
    alert = await api.ask(f"/api/v1/alerts/{alerts['results'][0]['id']}")
    assert len(alert["context"]) == 5


async def test_local_server_events(api: Api) -> None:
    await api.post("/v1/telemetry/batch", {"events": LOCAL}, 201)
    events = await api.ask("/v1/telemetry/events")
    assert [event["name"] for event in events] == [event["name"] for event in reversed(LOCAL)]
    start = events[-1]
    assert {key: value for key, value in start.items() if key != "id"} == LOCAL[0]
    assert await api.ask(f"/v1/telemetry/events/{start['id']}") == start
    status, refusal = await api.refusal("/v1/telemetry/events/12345")
    assert (status, refusal["detail"]) == (404, "Event with ID 12345 not found")
    assert [event["name"] for event in await api.ask("/v1/telemetry/traces/" + "a" * 32)] == [event["name"] for event in LOCAL]
    assert len(await api.ask("/v1/telemetry/sessions/s9/events")) == 5
    ids = [events[1]["id"], "999", events[0]["id"]]
    for body in (ids, {"event_ids": ids}):
        assert await api.post("/v1/telemetry/events/by-ids", body, 200) == [events[1], events[0]]
    await api.post("/v1/telemetry/events/by-ids", list(range(101)), 400)
    assert [event["name"] for event in await api.ask("/v1/telemetry/events", event_type="tool")] == ["tool.error", "tool.start"]
    assert len(await api.ask("/v1/telemetry/events", time_range="1h", search="PARAMS")) == 1
    status, refusal = await api.refusal("/v1/telemetry/events", time_range="2h")
    assert (status, refusal["error"]["code"], refusal["error"]["details"]["field"]) == (400, "VALIDATION_ERROR", "time_range")


async def test_local_server_timeline_and_health(api: Api) -> None:
    await api.post("/v1/telemetry/batch", {"events": LOCAL}, 201)
    timeline = await api.ask("/v1/telemetry/events-timeline", interval="1m")
    assert timeline["intervals"] == [
        {
            "timestamp": "2025-10-09T08:53:00.000000Z",
            "total": 5,
            "by_type": {"llm": 2, "tool": 2, "security": 1, "framework": 0},
            "by_status": {"success": 3, "error": 1, "warning": 1},
        }
    ]
    health = await api.ask("/v1/health")
    assert health["status"] == "healthy"
    assert set(health["dependencies"]) == {"database", "tables", "references"}
    assert await api.ask("/v1/telemetry/events", agent_id="health-check-agent") == []


async def test_local_server_agents(api: Api) -> None:
    await api.post("/v1/telemetry/batch", {"events": LOCAL}, 201)
    [agent] = (await api.ask("/v1/agents"))["items"]
    assert {key: agent[key] for key in ("agent_id", "status", "request_count", "token_usage", "error_count")} == {
        "agent_id": "planner", "status": "active", "request_count": 1, "token_usage": 150, "error_count": 1,
    }  # fmt: skip
    metrics = (await api.ask("/v1/agents/planner"))["metrics"]
    assert metrics == {
        "request_count": 1, "token_usage": 150, "avg_response_time_ms": 1500, "tool_usage": 1, "error_count": 1,
        "security_alerts_count": 1, "policy_violations_count": 0,
    }  # fmt: skip
    [model] = (await api.ask("/v1/agents/planner/llms"))["items"]
    assert (model["model"], model["vendor"], model["total_tokens"]) == ("gpt-4o", "openai", 150)
    assert model["estimated_cost"] > 0
    [request] = (await api.ask("/v1/agents/planner/llms/requests"))["items"]
    assert (request["status"], request["input_tokens"], request["duration_ms"]) == ("success", 100, 1500)
    [tool] = (await api.ask("/v1/agents/planner/tools"))["items"]
    assert (tool["tool_name"], tool["execution_count"], tool["success_rate"]) == ("search", 1, 0)
    [execution] = (await api.ask("/v1/agents/planner/tools/executions"))["items"]
    assert (execution["parameters"], execution["status"], execution["duration_ms"]) == ({"q": "x"}, "error", 1000)
    [session] = (await api.ask("/v1/agents/planner/sessions"))["items"]
    assert (session["session_id"], session["event_count"], session["duration_seconds"]) == ("s9", 5, 5)
    [trace] = (await api.ask("/v1/agents/planner/traces"))["items"]
    assert (trace["trace_id"], trace["status"], trace["initial_event_type"]) == ("a" * 32, "error", "llm.call.start")
    assert (await api.ask("/v1/agents/planner/traces", min_duration="6000"))["items"] == []
    assert (await api.ask("/v1/agents/planner/tokens"))["total"] == 150
    assert (await api.ask("/v1/agents/planner/cost"))["total_cost"] == model["estimated_cost"]
    assert (await api.ask("/v1/agents/planner/events"))["count"] == 5
    assert len((await api.ask("/v1/agents/planner/alerts"))["items"]) == 1
    assert (await api.ask("/v1/agents/planner/summary"))["metrics"]["requests"] == 1
    assert {row["metric"] for row in (await api.ask("/v1/agents/planner/dashboard"))["metrics"]} >= {"error_count"}
    for path in ("", "/llms", "/sessions", "/cost"):
        assert (await api.refusal(f"/v1/agents/nobody{path}"))[0] == 404


async def test_local_server_metrics(api: Api) -> None:
    await api.post("/v1/telemetry/batch", {"events": LOCAL}, 201)
    for path, value in {
        "llm/request_count": 1, "llm/token_usage": 150, "llm/response_time": 1500, "tool/success_rate": 0, "error/count": 1,
        "session/count": 1,
    }.items():  # fmt: skip
        answer = await api.ask(f"/v1/metrics/{path}", dimensions="agent")
        assert [point["value"] for point in answer["data"]] == [value], path
    tokens = await api.ask("/v1/metrics/tokens")
    assert (tokens["input_tokens"], tokens["output_tokens"], tokens["total_tokens"]) == (100, 50, 150)
    total = (await api.ask("/v1/metrics/llm/analytics", breakdown_by="model"))["total"]
    assert (total["request_count"], total["success_rate"], total["token_count_total"]) == (1, 1, 150)
    [related] = (await api.ask("/v1/metrics/llm/agent_model_relationships"))["breakdown"]
    assert related["key"] == "planner - gpt-4o"
    [request] = (await api.ask("/v1/metrics/llm/requests"))["items"]
    assert (await api.ask(f"/v1/metrics/llm/requests/{request['request_id']}"))["model"] == "gpt-4o"
    [conversation] = (await api.ask("/v1/metrics/llm/conversations"))["items"]
    assert (await api.ask(f"/v1/metrics/llm/conversations/{conversation['trace_id']}"))["items"]
    assert (await api.ask("/v1/metrics/tool_interactions"))["total"] == 1
    assert (await api.ask("/v1/metrics/pricing/token_usage_cost"))["token_usage_cost"]["totals"]["total_cost"] > 0
    [priced] = (await api.ask("/v1/metrics/pricing/llm_models"))["models"]
    assert 0 < priced["input_price"] < priced["output_price"]


async def test_local_server_alerts(api: Api) -> None:
    await api.post("/v1/telemetry/batch", {"events": LOCAL}, 201)
    found = await api.ask("/v1/alerts", **{"severity[]": "medium"})
    assert found["total_count"] == 1
    number = found["alerts"][0]["id"]
    assert (await api.ask(f"/v1/alerts/{number}"))["category"] == "prompt"
    assert (await api.ask(f"/v1/alerts/{number}/triggers"))["triggers"] == []
    assert (await api.ask("/v1/alerts", severity="high"))["alerts"] == []
    assert (await api.ask("/v1/alerts/timeseries"))["total"] == 1
    assert (await api.ask("/v1/alerts/overview"))["metrics"]["by_category"] == {"prompt": 1}


async def test_device_reports(api: Api) -> None:
    samples = [
        {"device_name": "Device 1", "metric_name": "cpu_usage", "value": value, "timestamp": at(20 - value)} for value in (10, 15)
    ]
    await api.post("/api/v1/aggregator/metrics/batch/", samples, 200)
    await api.post("/api/v1/aggregator/metrics/", {"device_name": "Device 2", "metric_name": "humidity", "metric_value": 40}, 200)
    report = await api.ask("/api/v1/reports/metrics/Device 1")
    assert report == [
        {"device_name": "Device 1", "metric_name": "cpu_usage", "metric_value": 15, "timestamp": at(5)},
        {"device_name": "Device 1", "metric_name": "cpu_usage", "metric_value": 10, "timestamp": at(10)},
    ]
    assert await api.ask("/api/v1/reports/metrics/Device 1", start_time=at(5)) == report[:1]
    assert await api.ask("/api/v1/reports/metrics/Device 1", end_time=at(10)) == report[1:]
    assert await api.ask("/api/v1/reports/metrics/nothing") == []
    assert (await api.refusal("/api/v1/reports/metrics/Device 1", start_time="x"))[0] == 400
    first, second = await api.ask("/api/v1/reports/summary", time_range="abc")
    assert first == {
        "device_name": "Device 1", "metric_name": "cpu_usage", "avg_value": 12.5, "min_value": 10, "max_value": 15,
        "last_updated": at(5), "count": 2,
    }  # fmt: skip
    assert second["count"] == 1
    assert await api.ask("/api/devices") == ["Device 1", "Device 2"]
    values = await api.ask("/api/metric-values", per_page="2")
    assert (values["total"], values["total_pages"], len(values["data"])) == (3, 2, 2)


async def test_monitoring_reads(api: Api) -> None:
    payload = {
        "host": "server1", "timestamp": at(3), "score": 0.7, "local_alerts": ["BRUTE_FORCE:10.0.0.1"],
        "metrics": {
            "cpu_usage": 0.9, "memory_usage": 2, "disk_usage": 3, "network_rx_bytes_per_sec": 2**64 - 1,
            "network_tx_bytes_per_sec": 5, "tcp_connections": 6,
        },
        "docker_events": [
            {"type": "container", "action": "start", "container": "web", "image": "nginx:1", "timestamp": at(9)},
            {"type": "container", "action": "die", "container": "web", "image": "nginx:1", "timestamp": at(4)},
        ],
        "logs": [{"container": "/web", "message": "GET /index", "timestamp": at(4)}],
    }  # fmt: skip
    await api.post("/ingest", payload, 200)
    [recent] = await api.ask("/metrics/recent")
    assert (recent["cpu_usage"], recent["network_rx"]) == (0.9, 2**64 - 1)
    assert await api.ask("/metrics/range", period="6h") == [recent]
    assert (await api.refusal("/metrics/range", period="2h"))[0] == 400
    assert [event["action"] for event in await api.ask("/events/recent")] == ["die", "start"]
    assert [line["message"] for line in await api.ask("/logs/search", q="index")] == ["GET /index"]
    assert await api.ask("/logs/search", q="absent") == []
    assert [line["container"] for line in await api.ask("/logs/recent", container="/web")] == ["web"]
    assert [alert["type"] for alert in await api.ask("/alerts")] == ["BRUTE_FORCE"]
    assert [(row["container"], row["status"]) for row in await api.ask("/containers")] == [("web", "stopped")]


RUN = {
    "event_id": "test-1", "run_id": "run-1", "start_time": at(20), "agent_name": "hugo", "job_type": "verify",
    "status": "running", "git_repo": "git@github.com:me/site.git", "metrics_json": '{"pages": 3}',
}  # fmt: skip


async def test_runs_are_read(api: Api) -> None:
    await api.post("/api/v1/runs", RUN, 201)
    await api.post("/api/v1/runs", {**RUN, "event_id": "test-2", "agent_name": "seo", "status": "failed"}, 201)
    runs = await api.ask("/api/v1/runs")
    assert {run["event_id"]: run["status"] for run in runs} == {"test-1": "running", "test-2": "failure"}
    run = await api.ask("/api/v1/runs/test-1")
    assert (run["metrics_json"], run["duration_ms"], run["api_posted"], run["repo_url"]) == (
        {"pages": 3}, 0, False, "https://github.com/me/site",
    )  # fmt: skip
    assert [run["event_id"] for run in await api.ask("/api/v1/runs", status="failed")] == ["test-2"]
    assert [run["event_id"] for run in await api.ask("/api/v1/runs", agent_name="hugo")] == ["test-1"]
    assert await api.ask("/api/v1/runs", start_time_from="2030-01-01") == []
    assert (await api.refusal("/api/v1/runs", status="x"))[0] == 400
    assert await api.refusal("/api/v1/runs/nothing") == (404, {"detail": "Run not found: nothing"})
    assert (await api.ask("/api/v1/metadata"))["agent_names"] == ["hugo", "seo"]


async def test_second_post_ends_a_run_once(api: Api) -> None:
    """running → success counts; whatever is posted after the end does not."""
    await api.post("/api/v1/runs", RUN, 201)
    await api.post("/api/v1/runs", {**RUN, "status": "success", "items_succeeded": 7}, 201)
    await api.post("/api/v1/runs", {**RUN, "status": "failure", "items_succeeded": 1}, 201)
    run = await api.ask("/api/v1/runs/test-1")
    assert (run["status"], run["items_succeeded"]) == ("success", 7)


async def test_run_is_changed(api: Api) -> None:
    await api.post("/api/v1/runs", RUN, 201)
    for _ in range(2):
        async with api.client.patch(
            "/api/v1/runs/test-1", json={"status": "failure", "error_summary": "x", "end_time": None}
        ) as answer:
            assert await answer.json() == {"event_id": "test-1", "updated": True, "fields_updated": ["status", "error_summary"]}
    assert (await api.store.statistics()).logs == 2, "the same change again adds nothing"
    assert (await api.store.statistics()).spans == 1, "a run that has ended is a span"
    run = await api.ask("/api/v1/runs/test-1")
    assert (run["status"], run["error_summary"], run["metrics_json"]) == ("failure", "x", {"pages": 3})
    for body, status in (({"status": "failed"}, 422), ({}, 400), ({"duration_ms": -1}, 422)):
        async with api.client.patch("/api/v1/runs/test-1", json=body) as answer:
            assert answer.status == status, body
    async with api.client.patch("/api/v1/runs/nothing/", json={"status": "success"}) as answer:
        assert answer.status == 404
    commit = await api.post("/api/v1/runs/test-1/associate-commit", {"commit_hash": "abcdef1", "commit_source": "llm"}, 200)
    assert commit == {"status": "success", "event_id": "test-1", "run_id": "run-1", "commit_hash": "abcdef1"}
    assert await api.ask("/api/v1/runs/test-1/commit-url") == {"commit_url": "https://github.com/me/site/commit/abcdef1"}
    assert (await api.ask("/api/v1/runs/test-1"))["git_commit_source"] == "llm"


async def test_every_list_answers_when_there_is_nothing(api: Api) -> None:
    """No endpoint fails on an empty store, in either slash form; what names one thing is 404."""
    for endpoints, _ in SYSTEMS:
        for endpoint in endpoints:
            if endpoint.method != "GET" or endpoint.path == "/dashboard":
                continue
            path = endpoint.path.replace("{subject}", "events").replace("{figure}", "count")
            filled = path.replace("{", "").replace("}", "")
            for form in (filled, f"{filled}/"):
                async with api.client.get(form, allow_redirects=False) as response:
                    assert response.status in ({200, 404} if "{" in path else {200}), (form, await response.text())


async def test_keys_are_asked_for(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    class Refused(Exception):
        http_status = 401

    def refuse(*_: object) -> None:
        raise Refused("no key")

    api = await serve(aiohttp_client, store)
    guarded = await serve(aiohttp_client, store, authorize=refuse)
    assert (await guarded.refusal("/api/events"))[0] == 401
    assert (await guarded.refusal("/v1/agents"))[0] == 401
    assert await api.ask("/api/events") == []
    assert NOW // SECOND == 1_760_000_000


async def test_health_and_figures_for_clients_of_a_runs_api(api: Api) -> None:
    await api.post("/api/v1/runs/batch", [RUN, {**RUN, "event_id": "2"}, {**RUN, "event_id": "3", "agent_name": "seo"}], 200)
    await api.post("/api/v1/runs", {**RUN, "status": "success"}, 201)
    figures = await api.ask("/metrics")
    assert (figures["total_runs"], figures["agents"], figures["recent_24h"]) == (3, {"hugo": 2, "seo": 1}, 3)
    assert figures["performance"] == {"db_path": ENGINE["db_path"], "journal_mode": "WAL"}
    assert (await api.ask("/health")).items() >= ENGINE.items()


async def test_health_for_clients_of_a_monitoring_backend(api: Api) -> None:
    health = await api.ask("/healthz")
    assert (health["status"], health["service"]) == ("ok", "monitoring-backend")
    assert health["timestamp"] == "2025-10-09T08:53:20.000000Z"


async def test_halves_that_come_one_by_one_are_one_span(api: Api) -> None:
    """In traces and latencies as in the calls; sent again, nothing is added; a start sent again waits for no other finish."""
    for _ in range(2):
        for event in MINI:
            await api.post("/api/v1/telemetry", event, 202)
        for event in LOCAL:
            await api.post("/v1/telemetry", event, 201)
    spans = await api.ask("/api/spans", start="2025-10-09")
    assert {(span["service"], span["name"]): span["duration_ms"] for span in spans} == {
        ("weather", "chat gpt-4o"): 2000, ("weather", "execute_tool forecast"): 1000,
        ("planner", "chat gpt-4o"): 2000, ("planner", "execute_tool search"): 1000,
    }  # fmt: skip
    assert len(spans) == 4
    assert len(await api.ask("/api/llm-calls")) == len(await api.ask("/api/tool-calls")) == 2
    another = flat("LLM_call_finish", 3, channel="LLM", data={"model": "gpt-4o"})
    await api.post("/api/v1/telemetry", another, 202)
    assert len(await api.ask("/api/spans", start="2025-10-09")) == 4, "its start was never told"


async def test_events_that_cannot_be_counted_in_time_are_null_until_they_are(api: Api) -> None:
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    counts = EventCounts(api.store)
    assert await counts.by_agent(wait_seconds=0) is None
    counted = await counts.by_agent()
    assert counted is not None
    assert {name: one.count for name, one in counted.items()} == {"weather": 5, "other": 1}


async def test_the_old_address_of_the_page_leads_to_it(api: Api) -> None:
    async with api.client.get("/dashboard", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/")


async def test_the_paths_of_the_api_answer_with_a_slash_as_well(api: Api) -> None:
    """The mini server's own address of its agents was /api/agents/."""
    await api.post("/api/v1/telemetry/batch", MINI, 202)
    assert await api.ask("/api/agents/") == await api.ask("/api/agents")
    assert await api.ask("/api/agents/weather/") == await api.ask("/api/agents/weather")
    for route in ROUTES:
        if route.path.startswith("/api/") and route.path != "/api/stream":
            path = re.sub(r"\{\w+\}", "1", route.path)
            plain, slash = await api.refusal(path), await api.refusal(f"{path}/")
            assert plain[0] == slash[0], path
