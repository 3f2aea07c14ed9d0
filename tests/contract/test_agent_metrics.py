"""Proves what figures of agents fall back to where only metrics came: tokens, cost, calls and sessions, marked as of metrics;
and which metrics make no agent: a plain service's, and those of a service whose events tell the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.sqlite.store import SqliteSettings, open_store
from tests.contract.agent_stories import ALL, Record, deliver, event
from tests.contract.told import MINUTE, NOW, number_metric, write

if TYPE_CHECKING:
    from pathlib import Path

    from storage.agents_contract import AgentSummary
    from tests.contract.told import Attribute

DELTA = 1
Counter = tuple[str, str, float, dict[str, "Attribute"]]


async def agents(path: Path, counters: list[Counter], records: list[Record] | None = None) -> dict[str, AgentSummary]:
    """By name. A counter: service, metric, value, attributes."""
    store = await open_store(SqliteSettings(path))
    try:
        for service, name, value, attributes in counters:
            points = [(NOW, NOW + MINUTE, value)]
            await write(store, "metrics", number_metric(name, points, attributes, service=service, temporality=DELTA))
        await deliver(store, records or [])
        return {one.name: one for one in await store.agents(ALL)}
    finally:
        await store.aclose()


CLAUDE: list[Counter] = [
    ("claude-code", "claude_code.token.usage", 100, {"type": "input", "session.id": "s-1", "user.id": "ada"}),
    ("claude-code", "claude_code.token.usage", 900, {"type": "cacheRead", "session.id": "s-1", "user.id": "ada"}),
    ("claude-code", "claude_code.token.usage", 50, {"type": "output", "session.id": "s-2", "user.id": "ada"}),
    ("claude-code", "claude_code.cost.usage", 0.25, {"session.id": "s-1", "user.id": "ada"}),
]


async def test_figures_fall_back_to_metrics_with_cached_tokens_in_the_input(tmp_path: Path) -> None:
    found = (await agents(tmp_path / "otlpd.db", CLAUDE))["claude-code"]

    sums = found.sums
    assert (sums.input_tokens, sums.cache_read_tokens, sums.output_tokens, sums.reported_cost) == (1000, 900, 50, 0.25)
    assert (found.sessions, found.service, bool(found.metrics)) == (2, "claude-code", True)


async def test_events_go_before_metrics(tmp_path: Path) -> None:
    call = event("claude_code.api_request", 0, session__id="s-1", model="claude-sonnet-4-5", input_tokens=7, output_tokens=1)

    found = (await agents(tmp_path / "otlpd.db", CLAUDE, [call]))["claude-code"]

    assert (found.sums.llm_calls, found.sums.input_tokens, dict(found.metrics)) == (1, 7, {})


async def test_usage_of_an_agent_whose_events_tell_of_no_call_is_what_metrics_count(tmp_path: Path) -> None:
    tool = event("claude_code.tool_result", 0, session__id="s-1", tool_name="Read", tool_use_id="t-1", success="true")

    found = (await agents(tmp_path / "otlpd.db", CLAUDE, [tool]))["claude-code"]

    assert (found.sums.tool_calls, found.sums.input_tokens, found.sums.reported_cost, bool(found.metrics)) == (
        1,
        1000,
        0.25,
        True,
    )


async def test_a_service_is_no_agent_by_metrics_that_any_service_has(tmp_path: Path) -> None:
    found = await agents(
        tmp_path / "otlpd.db",
        [
            ("web-shop", "web.session.count", 12, {}),
            ("web-shop", "gen_ai.client.inference.usage.input_tokens", 400, {"gen_ai.request.model": "gpt-5-mini"}),
            ("helper-service", "gen_ai.client.inference.usage.input_tokens", 30, {"gen_ai.agent.name": "helper"}),
            ("acme-code", "acme_code.token.usage", 20, {"type": "input"}),
        ],
    )

    assert {name: one.sums.input_tokens for name, one in found.items()} == {"helper": 30, "acme-code": 20}


async def test_metrics_of_a_service_name_no_second_agent_beside_its_events(tmp_path: Path) -> None:
    """OpenClaw's metrics call its outermost agent `main`; Copilot's name only the service."""
    call = event("openclaw.api_request", 0, "openclaw-gateway", session__id="s-1", model="gpt-5-mini", input_tokens=7)
    spoken: list[Counter] = [("openclaw-gateway", "openclaw.tokens", 70, {"openclaw.token": "input", "openclaw.agent": "main"})]

    told = await agents(tmp_path / "told.db", spoken, [call])
    alone = await agents(tmp_path / "alone.db", spoken)

    assert [(name, one.sums.input_tokens) for name, one in told.items()] == [("openclaw-gateway", 7)]
    assert [(name, one.sums.input_tokens) for name, one in alone.items()] == [("openclaw-gateway", 70)]


async def test_metrics_of_a_service_count_for_no_agent_beside_the_one_that_made_its_calls(tmp_path: Path) -> None:
    """Copilot names its agent in spans; its events and metrics name only the service."""
    chat: dict[str, Attribute] = {"gen_ai.operation.name": "chat", "gen_ai.agent.name": "copilot", "gen_ai.usage.input_tokens": 7}
    call = Record("chat gpt-5-mini", 0, chat, trace=1, id=1, service="copilot-chat")
    decided = event("copilot_chat.tool_decision", 1, "copilot-chat", session__id="window", tool_name="Edit", decision="accept")
    answered = event("copilot_chat.tool_result", 2, "copilot-chat", session__id="window", tool_name="Edit")
    spoken: list[Counter] = [("copilot-chat", "copilot_chat.token.usage", 7, {"type": "input"})]

    found = await agents(tmp_path / "otlpd.db", spoken, [call, decided, answered])

    assert {name: one.sums.input_tokens for name, one in found.items()} == {"copilot": 7, "copilot-chat": 0}


async def test_a_metric_in_micro_dollars_is_told_in_dollars(tmp_path: Path) -> None:
    spoken: list[Counter] = [("codex_cli_rs", "codex.turn.cost_microusd", 4_900, {"turn.id": "t-1", "conversation.id": "c-1"})]

    found = await agents(tmp_path / "otlpd.db", spoken)

    assert found["codex_cli_rs"].sums.reported_cost == 0.0049
