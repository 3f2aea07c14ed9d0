"""Proves what /api/usage answers by session, day and hour, against a plain sum over what was sent, and what it refuses to mix."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.contract.told import key_values
from tests.running import request

if TYPE_CHECKING:
    from tests.running import Daemon

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
# Noon two days ago.
NOON = time.time_ns() // DAY_NS * DAY_NS - 2 * DAY_NS + 12 * HOUR_NS


def send_calls(daemon: Daemon, calls: list[tuple[int, str, str, int]], team: str | None = None) -> None:
    """Each: hours after NOON, session, agent, input tokens; every call fails in a trace of its own but the first."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number, (hours, session, agent, tokens) in enumerate(calls, 1):
        start = NOON + hours * HOUR_NS
        said: dict[str, Any] = {
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": tokens,
            "gen_ai.conversation.id": session, "gen_ai.agent.name": agent, "user.id": "ada",
        }  # fmt: skip
        if team is not None and agent == "a":
            said["langfuse.trace.metadata.team"] = team
        span = scope.spans.add(
            trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name="chat gpt-4o", start_time_unix_nano=start,
            end_time_unix_nano=start + 10**9, attributes=key_values(said),
        )  # fmt: skip
        span.status.code = Status.STATUS_CODE_ERROR if number > 1 else Status.STATUS_CODE_UNSET
    answer = request(
        "POST", f"{daemon.http_url}/v1/traces", message.SerializeToString(), {"Content-Type": "application/x-protobuf"}
    )
    assert answer.status == 200, answer


CALLS = [(0, "s-1", "a", 100), (1, "s-1", "b", 200), (1, "s-2", "a", 5_000), (24, "s-1", "a", 400)]


def usage(daemon: Daemon, query: str) -> list[tuple[dict[str, Any], int, int, int]]:
    rows = daemon.ask(f"/api/usage?{query}")
    return [(row["group"], row["llm_calls"], row["input_tokens"], row["llm_errors"]) for row in rows]


def moment(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9)) + ".000000000Z"


def test_by_session_the_dearest_first_and_only_what_falls_into_the_range(daemon: Daemon) -> None:
    send_calls(daemon, CALLS)

    assert usage(daemon, "group_by=session") == [({"session": "s-2"}, 1, 5_000, 1), ({"session": "s-1"}, 3, 700, 2)]
    assert usage(daemon, "group_by=session&limit=1") == [({"session": "s-2"}, 1, 5_000, 1)]
    assert usage(daemon, "group_by=session&agent=b") == [({"session": "s-1"}, 1, 200, 1)]
    late = quote(moment(NOON + 2 * HOUR_NS))
    assert usage(daemon, f"group_by=session&start={late}") == [({"session": "s-1"}, 1, 400, 1)]
    [first, _] = daemon.ask("/api/usage?group_by=session")
    assert first["p50_ms"] > 900
    assert first["cost_usd"] == first["computed_cost_usd"] > 0


def test_by_day_and_hour_alone_and_with_another_name(daemon: Daemon) -> None:
    send_calls(daemon, CALLS)
    day = NOON // DAY_NS * DAY_NS

    assert usage(daemon, "group_by=day") == [
        ({"day": moment(day + DAY_NS)}, 1, 400, 1),
        ({"day": moment(day)}, 3, 5_300, 2),
    ]
    assert usage(daemon, "group_by=agent,hour") == [
        ({"agent": "a", "hour": moment(NOON + 24 * HOUR_NS)}, 1, 400, 1),
        ({"agent": "a", "hour": moment(NOON + HOUR_NS)}, 1, 5_000, 1),
        ({"agent": "b", "hour": moment(NOON + HOUR_NS)}, 1, 200, 1),
        ({"agent": "a", "hour": moment(NOON)}, 1, 100, 0),
    ]


def test_what_does_not_go_together_is_refused_by_name(daemon: Daemon) -> None:
    for query in ("group_by=day,hour", "group_by=day&interval=1h", "group_by=session,agent", "group_by=session&model=gpt-4o"):
        answer = daemon.get(f"/api/usage?{query}", {})
        assert answer.status == 400, query
        assert b"group_by" in answer.body


def test_what_has_no_label_is_all_the_rest(daemon: Daemon) -> None:
    send_calls(daemon, CALLS, team="red")
    label = "metadata.langfuse.trace.metadata.team"

    assert usage(daemon, f"group_by={label}") == [({label: "red"}, 3, 5_500, 2), ({label: None}, 1, 200, 1)]
    [_, rest] = daemon.ask(f"/api/usage?group_by={label}")
    assert (rest["p50_ms"], rest["cost_usd"] > 0) == (None, True)
