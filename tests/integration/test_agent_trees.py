"""Proves that the tree of a trace begins with the turn that is inferred from it, and that no time is counted twice for that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.contract.told import key_values
from tests.running import request

if TYPE_CHECKING:
    from tests.running import Daemon

TRACE = 7
SECOND = 10**9


def test_a_trace_begins_with_the_turn_that_set_it_off(daemon: Daemon) -> None:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    begin = time.time_ns() - 60 * SECOND
    spans: list[tuple[int, int, int, dict[str, Any]]] = [
        (1, 0, 10, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "desk"}),
        (2, 1, 4, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 100}),
    ]
    for number, parent, seconds, said in spans:
        scope.spans.add(
            trace_id=TRACE.to_bytes(16), span_id=number.to_bytes(8), parent_span_id=parent.to_bytes(8) if parent else b"",
            name="work", start_time_unix_nano=begin + number, end_time_unix_nano=begin + seconds * SECOND,
            attributes=key_values(said),
        )  # fmt: skip
    answer = request(
        "POST", f"{daemon.http_url}/v1/traces", message.SerializeToString(), {"Content-Type": "application/x-protobuf"}
    )
    assert answer.status == 200, answer

    tree = daemon.ask(f"/api/traces/{TRACE:032x}/agents")

    assert [(one["fact"], one["inferred"], one["depth"], one["sum_tokens"]) for one in tree["facts"]] == [
        ("user_turn", True, 0, 100),
        ("agent_run", False, 1, 100),
        ("llm_call", False, 2, 100),
    ]
    spent = tree["where_time_went"]
    assert spent["user_turn"] == pytest.approx(0, abs=0.001)
    assert (spent["agent_run"], spent["llm_call"]) == (pytest.approx(6_000, abs=1), pytest.approx(4_000, abs=1))
