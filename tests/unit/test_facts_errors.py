"""What has failed, and as what: every sign of section "errors" on spans and log records, and rate limits by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.facts_records import log_fact, span_fact

CHAT = {"gen_ai.operation.name": "chat"}
TOOL = {"gen_ai.operation.name": "execute_tool"}
EXCEPTION = ("exception", {"exception.type": "ValueError", "exception.message": "no such order"})
FAILED_OBSERVATION = {"langfuse.observation.type": "tool", "langfuse.observation.level": "ERROR"}
CHILD = b"12345678"


def verdict(attributes: dict[str, Any], **more: Any) -> tuple[int, str | None, str | None]:
    fact = span_fact(attributes, **more)
    return fact.failed, fact.error_type, fact.error_message


@pytest.mark.parametrize(
    ("attributes", "more", "expected"),
    [
        (CHAT, {}, (0, None, None)),
        (CHAT, {"status": 1}, (0, None, None)),
        (CHAT, {"status": 2}, (1, "_OTHER", None)),
        (CHAT, {"status": 2, "status_message": "it broke"}, (1, "_OTHER", "it broke")),
        ({**CHAT, "error.type": "timeout"}, {}, (1, "timeout", None)),
        ({**CHAT, "error.type": ""}, {}, (0, None, None)),
        ({**CHAT, "error.type": "timeout", "exception.type": "X", "error_type": "y"}, {}, (1, "timeout", None)),
        ({**CHAT, "exception.type": "X", "error_type": "y"}, {}, (1, "X", None)),
        ({**CHAT, "error_type": "y"}, {}, (1, "y", None)),
        ({**CHAT, "http.response.status_code": 500}, {"status": 2}, (1, "500", None)),
        ({**CHAT, "http.response.status_code": 500}, {}, (0, None, None)),
        ({**CHAT, "http.response.status_code": 200}, {"status": 2}, (1, "_OTHER", None)),
        (CHAT, {"events": [EXCEPTION]}, (1, "ValueError", "no such order")),
        (CHAT, {"events": [EXCEPTION], "parent": CHILD}, (0, None, None)),
        (CHAT, {"events": [EXCEPTION], "parent": CHILD, "status": 2}, (1, "ValueError", "no such order")),
        (CHAT, {"events": [EXCEPTION], "status": 1}, (0, None, None)),
        ({**TOOL, "gen_ai.tool.status": "error"}, {}, (1, "_OTHER", None)),
        ({**TOOL, "tool.status": "failed"}, {}, (1, "_OTHER", None)),
        ({**TOOL, "tool.status": "success"}, {}, (0, None, None)),
        ({**TOOL, "error.type": "tool_error"}, {}, (1, "tool_error", None)),
        ({**FAILED_OBSERVATION, "langfuse.observation.status_message": "bad"}, {}, (1, "_OTHER", "bad")),
        ({"langfuse.observation.type": "tool", "langfuse.observation.level": "WARNING"}, {}, (0, None, None)),
    ],
)  # fmt: skip
def test_a_span(attributes: dict[str, Any], more: dict[str, Any], expected: tuple[int, str | None, str | None]) -> None:
    assert verdict(attributes, **more) == expected


@pytest.mark.parametrize("success", [False, "false", "False", 0, "0"])
def test_success_false_in_any_type(success: Any) -> None:
    fact = log_fact(
        {"event.name": "tool_result", "session.id": "s", "success": success}, resource={"service.name": "claude-code"}
    )
    assert (fact.failed, fact.error_type) == (1, "_OTHER")


@pytest.mark.parametrize("success", [True, "true", "yes", "perhaps", None])
def test_success_otherwise(success: Any) -> None:
    fact = log_fact(
        {"event.name": "tool_result", "session.id": "s", "success": success}, resource={"service.name": "claude-code"}
    )
    assert (fact.failed, fact.error_type) == (0, None)


def test_an_event_that_is_named_an_error() -> None:
    fact = log_fact({"error_name": "TypeError"}, event="claude_code.internal_error")
    assert (fact.failed, fact.error_type) == (1, "TypeError")


@pytest.mark.parametrize(
    "attributes",
    [
        {"error.type": "429"},
        {"error.type": "529"},
        {"error.type": "rate_limit_error"},
        {"error.type": "RateLimitError"},
        {"error.type": "openai.RateLimitError"},
        {"error.type": "overloaded_error"},
        {"error.type": "_OTHER", "http.response.status_code": 429},
        {"error.type": "_OTHER", "http.response.status_code": "529"},
        {"error.type": "APIStatusError", "error.message": "Overloaded"},
        {"error.type": "ClientError", "error.message": "Too many requests, slow down"},
    ],
)
def test_rate_limits_have_one_name(attributes: dict[str, Any]) -> None:
    assert verdict({**CHAT, **attributes})[:2] == (1, "rate_limited")


def test_a_long_message_is_cut() -> None:
    message = verdict({**CHAT, "error.type": "x", "error.message": "m" * 100_000})[2]
    assert message == "m" * 4_096
