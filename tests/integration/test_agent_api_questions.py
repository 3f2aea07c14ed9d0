"""Proves docs/questions.md: every curl on that page gets a good answer with something in it from a store that holds a day of
agents at work, every path that the page names beside them answers too, and all the questions are there.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA

from query.application import add_routes
from query.question import QueryContext
from tests.contract.agent_stories import Record, deliver, event, span
from tests.contract.test_agent_facts import AGENT, CHAT, TOOL, coding_agent, delegation, usage
from tests.contract.told import MINUTE, NOW, number_metric, write
from tests.integration.api_harness import counters

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.contract import Store

    Client = TestClient[web.Request, web.Application]

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
CURL = re.compile(r"curl '(http://127\.0\.0\.1:8000)(/api/[^']*)'")
NAMED = re.compile(r"`(/api/[^`\s]*)`")
# Budgets and alerts answer the one that is missing.
QUESTIONS = {*range(1, 41)} - {31}


def working_day() -> list[Record]:
    """One of everything that the questions ask for."""
    said = '[{"role": "user", "parts": [{"type": "text", "content": "I want a refund"}]}]'
    labels = {"traceloop__association__properties__team": "shop"}
    searched = {"gen_ai__operation__name": "retrieval", "gen_ai__retrieval__query__text": "refund rules"}
    rail = {"openinference__span__kind": "GUARDRAIL"}
    loop = [
        span(9, 20 + number, 1, 3 + number, "execute_tool search", **TOOL, gen_ai__tool__name="search",
             gen_ai__tool__call__id=f"loop-{number}", gen_ai__tool__call__arguments='{"q": "x"}')
        for number in range(4)
    ]  # fmt: skip
    client = {"session__id": "cc-1", "user__email": "ada@example.org"}
    return [
        *delegation(1),
        *coding_agent(),
        span(9, 1, None, 0, "invoke_agent shopper", **AGENT, gen_ai__agent__name="shopper", session__id="s-9", user__id="bob"),
        span(9, 2, 1, 1, "chat gpt-4o", **CHAT, **usage(500, 50), **labels, gen_ai__input__messages=said,
             gen_ai__response__finish_reasons='["length"]', gen_ai__usage__cache_read__input_tokens=400),
        span(9, 3, 1, 2, "retrieval", **searched),
        span(9, 4, 1, 2.5, "guard", **rail),
        *loop,
        Record("chat gpt-4o", 30, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "error.type": "timeout",
                                   "gen_ai.provider.name": "openai"}, trace=10, id=1, failed=True),
        event("claude_code.compaction", 50, **client, event__sequence=90, trigger="auto", pre_tokens=1000, post_tokens=100),
        event("claude_code.mcp_server_connection", 51, **client, event__sequence=91, server_name="github", status="failed"),
        event("gen_ai.evaluation.result", 52, "judge", gen_ai__evaluation__name="tone", gen_ai__evaluation__score__value=0.5,
              session__id="s-9"),
        span(11, 1, None, 60, "execute_tool mcp__github__issues", **TOOL, gen_ai__tool__name="mcp__github__issues",
             session__id="s-9"),
    ]  # fmt: skip


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, store: Store) -> Client:
    await deliver(store, working_day(), random.Random(1))
    lines = {"type": "added", "session.id": "cc-1", "user.email": "ada@example.org"}
    points: list[tuple[int, int, float | int | None]] = [(NOW, NOW + MINUTE, 12), (NOW + MINUTE, NOW + 2 * MINUTE, 30)]
    options = {"service": "claude-code", "temporality": AGGREGATION_TEMPORALITY_DELTA}
    await write(store, "metrics", number_metric("claude_code.lines_of_code.count", points, dict(lines), **options))
    app = web.Application()
    add_routes(app, QueryContext(store=store, clock=lambda: NOW + 10 * MINUTE, counters=counters, version="1.2.3"))
    return await aiohttp_client(app)


async def ask(client: Client, path: str) -> Any:
    response = await client.get(path)
    assert response.status == 200, (path, await response.text())
    if response.content_type == "application/jsonl":
        return (await response.text()).splitlines()
    return await response.json()


async def names(client: Client) -> dict[str, str]:
    calls = await ask(client, "/api/llm-calls?agent=shopper")
    return {"AGENT": "shopper", "SESSION": "s-9", "LLM_CALL": calls[0]["id"], "TRACE": calls[0]["trace_id"]}


def filled(path: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        path = re.sub(rf"\b{name}\b", value, path)
    return path


async def test_every_curl_of_the_page_answers(client: Client) -> None:
    known = await names(client)
    asked = CURL.findall(PAGE.read_text(encoding="utf-8"))
    assert len(asked) == len(QUESTIONS)
    for _, path in asked:
        found = await ask(client, filled(path, known))
        assert found, path


async def test_every_path_named_beside_them_answers(client: Client) -> None:
    known = await names(client)
    mentioned = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(mentioned) >= 15
    for path in mentioned:
        await ask(client, filled(path, known))


def test_every_question_is_on_the_page() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)]
    assert sorted(numbers) == sorted(QUESTIONS)


async def test_the_answers_hold_what_was_asked_for(client: Client) -> None:
    """The figures that need a story of their own to be more than there."""
    (loop,) = await ask(client, "/api/loops?at_least=3")
    assert (loop["tool"], loop["count"], loop["agent"]) == ("search", 4, "shopper")
    (lines,) = await ask(client, "/api/productivity?group_by=user")
    assert (lines["group"], lines["measure"], lines["value"]) == ({"user": "ada@example.org"}, "lines", 42)
    (cut,) = await ask(client, "/api/llm-calls?finish_reason=length")
    assert cut["finish_reasons"] == ["length"]
    (hit,) = await ask(client, '/api/search?q="a refund"&agent=shopper')
    assert (hit["part"]["text"], hit["part"]["role"], hit["fact"]["fact"]) == ("I want a refund", "user", "llm_call")
    errors = await ask(client, "/api/errors")
    assert {(row["fact"], row["error_type"], row["count"]) for row in errors} >= {("llm_call", "timeout", 1)}
    label = "metadata.traceloop.association.properties.team"
    teams = {row["group"][label]: row["llm_calls"] for row in await ask(client, f"/api/usage?group_by={label}")}
    assert teams["shop"] == 1
