"""Proves that facts do not depend on how telemetry arrives: the same records in any order, cut into any requests, partly sent
twice, with a restart between, give the same agents, sessions, calls, sums and content. And that what is told twice counts once.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.agents_contract import FactFilter, FactQuery, SessionQuery, UsageQuery
from storage.sqlite.store import SqliteSettings, open_store
from tests.contract.agent_stories import ALL, EVER, Record, answers, deliver, event, span
from tests.contract.test_agent_inferred import run, tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.agents_contract import Sums
    from storage.contract import Store

CHAT = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o"}
AGENT = {"gen_ai__operation__name": "invoke_agent"}
TOOL = {"gen_ai__operation__name": "execute_tool"}


def usage(given: int, got: int) -> dict[str, Any]:
    return {"gen_ai__usage__input_tokens": given, "gen_ai__usage__output_tokens": got}


def delegation(trace: int, session: str | None = "s-1", pace: int = 1) -> list[Record]:
    """A planner asks a model, then a tool, in which a helper asks a model again. Totals are repeated on the way up.

    `pace` is the time between two steps, in seconds.
    """
    talk = {} if session is None else {"gen_ai__conversation__id": session}
    at = 100 * trace
    return [
        span(trace, 1, None, at, "POST /chat"),
        span(
            trace, 2, 1, at + 1 * pace, "invoke_agent planner", **AGENT, gen_ai__agent__name="planner", **talk, **usage(300, 30)
        ),
        span(trace, 3, 2, at + 2 * pace, "chat gpt-4o", **CHAT, gen_ai__response__id=f"r-{trace}-1", **usage(100, 10)),
        span(trace, 4, 2, at + 3 * pace, "internal"),
        span(
            trace, 5, 4, at + 4 * pace, "execute_tool ask", **TOOL, gen_ai__tool__name="ask", gen_ai__tool__call__id=f"c-{trace}"
        ),
        span(trace, 6, 5, at + 5 * pace, "invoke_agent helper", **AGENT, gen_ai__agent__name="helper"),
        span(
            trace,
            7,
            6,
            at + 6 * pace,
            "chat gpt-4o",
            **CHAT,
            gen_ai__response__id=f"r-{trace}-2",
            user__id="ada",
            **usage(200, 20),
        ),
    ]


def coding_agent(session: str = "cc-1", at: float = 0) -> list[Record]:
    """A coding agent that tells of the same calls in log events and in spans: cost only in the one, timing in the other."""
    own: dict[str, Any] = {"session__id": session, "user__email": "ada@example.org", "prompt__id": f"p-{session}"}
    call: dict[str, Any] = {"model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 90}
    return [
        event("claude_code.user_prompt", at, **own, event__sequence=1, prompt="fix the bug", prompt_length=11),
        event("claude_code.api_request", at + 5, **own, **call, event__sequence=2, request_id=f"req-{session}", cost_usd=0.25,
              duration_ms=3000),
        event("claude_code.tool_decision", at + 6, **own, event__sequence=3, tool_name="Bash", tool_use_id=f"t-{session}",
              decision="accept"),
        event("claude_code.tool_result", at + 9, **own, event__sequence=4, tool_name="Bash", tool_use_id=f"t-{session}",
              success="false", error="exit 1", duration_ms=2000),
        _client_span(90 + int(at), 1, None, at, "claude_code.interaction", {"span.type": "interaction", **_plain(own)}),
        _client_span(90 + int(at), 2, 1, at + 2, "claude_code.llm_request",
                     {"span.type": "llm_request", "model": "claude-sonnet-4-5", "request_id": f"req-{session}", "ttft_ms": 400,
                      "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 90, **_plain(own)}),
        _client_span(90 + int(at), 3, 1, at + 7, "claude_code.tool",
                     {"span.type": "tool", "tool_name": "Bash", "tool_use_id": f"t-{session}", **_plain(own)}),
    ]  # fmt: skip


def _plain(own: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in own.items()}


def _client_span(trace: int, number: int, parent: int | None, at: float, name: str, attributes: dict[str, Any]) -> Record:
    return Record(name, at, attributes, 3.0, trace=trace, id=number, parent=parent, service="claude-code")


def gateway() -> list[Record]:
    """A client and its gateway tell of one answer, in two traces."""
    return [
        span(70, 1, None, 0, "chat gpt-4o", **CHAT, gen_ai__response__id="shared", gen_ai__agent__name="caller", **usage(7, 3)),
        span(71, 1, None, 0.2, "chat gpt-4o", **CHAT, gen_ai__response__id="shared", **usage(7, 3)),
    ]


def ring() -> list[Record]:
    """Spans that are each other's ancestors, and one below them."""
    return [
        span(80, 1, 3, 0, "invoke_agent a", **AGENT, gen_ai__agent__name="a"),
        span(80, 2, 1, 1, "chat gpt-4o", **CHAT, **usage(1, 1)),
        span(80, 3, 2, 2, "invoke_agent b", **AGENT, gen_ai__agent__name="b", session__id="ring"),
        span(80, 4, 3, 3, "chat gpt-4o", **CHAT, **usage(2, 1)),
    ]


def named_by_turn() -> list[Record]:
    """A client whose requests name only the prompt; its prompts name the session."""
    return [
        event("grok_code.user_prompt", 0, "grok", session__id="g-1", prompt__id="gp-1", event__sequence=1),
        event("grok_code.api_request", 2, "grok", prompt__id="gp-1", model="grok-4", input_tokens=5, output_tokens=6),
    ]


def session_by_log() -> list[Record]:
    """The session stands in a log record of the trace only."""
    told = Record("codex.user_prompt", 1, {"conversation.id": "codex-1"}, trace=60, id=1, event=True, service="codex_cli_rs")
    return [
        told,
        span(60, 1, None, 0, "turn", codex="x"),
        span(60, 2, 1, 2, "chat gpt-5", **CHAT, gen_ai__usage__input_tokens=11, gen_ai__usage__output_tokens=4),
    ]


STORIES = {
    "delegation": delegation(1) + delegation(2) + delegation(3, None),
    "across hours": delegation(4, "s-4", 1_500),
    "coding agent": coding_agent() + coding_agent("cc-2", 40),
    "gateway": gateway(),
    "ring": ring(),
    "named by turn": named_by_turn(),
    "session by log": session_by_log(),
    "shown by messages": run(180) + run(190) + [tool(180, 7, 3, "c-180"), tool(195, 8, 7, "c-191")],
}
STORIES["everything"] = [record for story in list(STORIES.values()) for record in story]


async def told_in_order(path: Path, records: Sequence[Record]) -> dict[str, Any]:
    store = await open_store(SqliteSettings(path))
    try:
        await deliver(store, records)
        return await answers(store)
    finally:
        await store.aclose()


async def told_by_chance(path: Path, records: Sequence[Record], seed: int) -> dict[str, Any]:
    """With a restart in the middle."""
    source = random.Random(seed)
    shuffled = list(records)
    source.shuffle(shuffled)
    half = source.randrange(len(shuffled) + 1)
    for part in (shuffled[:half], shuffled[half:]):
        store = await open_store(SqliteSettings(path))
        try:
            await deliver(store, part, source)
            found = await answers(store)
        finally:
            await store.aclose()
    return found


@pytest.mark.parametrize("name", STORIES)
async def test_any_order_and_any_requests_give_the_same_answers(name: str, tmp_path: Path) -> None:
    expected = await told_in_order(tmp_path / "order.db", STORIES[name])
    for seed in range(6):
        found = await told_by_chance(tmp_path / f"{seed}.db", STORIES[name], seed)
        for question, answer in expected.items():
            assert found[question] == pytest.approx(answer) if question == "x" else _near(found[question], answer), (
                question,
                seed,
            )


def _near(found: Any, expected: Any) -> bool:
    """Equal but for the last digits of sums of dollars."""
    if isinstance(expected, float) and isinstance(found, float):
        return found == pytest.approx(expected, abs=1e-9)
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(_near(found[key], expected[key]) for key in expected)
        )
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(_near(one, other) for one, other in zip(found, expected, strict=True))
    return bool(found == expected)


tree = st.lists(
    st.tuples(
        st.integers(0, 11),  # the parent, itself and later ones included: rings and parents that never come
        st.sampled_from(["plain", "chat", "chat without usage", "agent", "tool", "session"]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


def _grown(shape: Sequence[tuple[int, str, int]]) -> list[Record]:
    made = []
    for number, (parent, kind, which) in enumerate(shape, 1):
        attributes: dict[str, Any] = {
            "plain": {},
            "chat": {**CHAT, **usage(10 + which, which), "gen_ai__response__id": f"r{which}"},
            "chat without usage": CHAT,
            "agent": {**AGENT, "gen_ai__agent__name": f"agent-{which}"},
            "tool": {**TOOL, "gen_ai__tool__name": f"tool-{which}", "gen_ai__tool__call__id": f"c{which}"},
            "session": {"session__id": f"s-{which}", "user__id": f"u-{which}"},
        }[kind]
        made.append(span(1 + number % 2, number, parent or None, number * 0.3, f"{kind} {number}", **attributes))
    return made


@given(tree, st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_tree_gives_the_same_answers_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, shape: Any, seed: int
) -> None:
    directory = tmp_path_factory.mktemp("tree")
    records = _grown(shape)
    expected = await told_in_order(directory / "order.db", records)
    found = await told_by_chance(directory / "chance.db", records, seed)
    for question, answer in expected.items():
        assert _near(found[question], answer), (question, found[question], answer)


async def sums(store: Store, **filters: Any) -> Sums:
    (row,) = await store.usage(UsageQuery(FactFilter(EVER, **filters)))
    return row.sums


async def test_only_the_innermost_calls_count(store: Store) -> None:
    await deliver(store, delegation(1))
    found = await sums(store)
    assert (found.llm_calls, found.input_tokens, found.output_tokens) == (2, 300, 30)
    assert (found.tool_calls, found.runs, found.computed_calls, found.unpriced_calls) == (1, 2, 2, 0)


async def test_agents_own_what_is_below_their_runs(store: Store) -> None:
    await deliver(store, delegation(1))
    planner, helper = await sums(store, agent="planner"), await sums(store, agent="helper")
    assert (planner.input_tokens, planner.tool_calls, planner.run_llm_calls) == (100, 1, 2)
    assert (helper.input_tokens, helper.tool_calls, helper.run_llm_calls) == (200, 0, 1)
    edges = await store.usage(UsageQuery(ALL, ("parent_agent", "agent")))
    assert {(row.group["parent_agent"], row.group["agent"]) for row in edges} == {(None, "planner"), ("planner", "helper")}


async def test_a_call_told_by_event_and_span_is_one(store: Store) -> None:
    """The cost is the event's, the time to the first token the span's; the decision belongs to the tool call."""
    await deliver(store, coding_agent())
    found = await sums(store)
    assert (found.llm_calls, found.tool_calls, found.turns) == (1, 1, 1)
    assert (found.input_tokens, found.cache_read_tokens, found.output_tokens) == (100, 90, 20)
    assert (found.reported_cost, found.computed_cost, found.reported_calls) == (0.25, 0.0, 1)
    (call,) = (await store.find_facts(FactQuery("llm_call", ALL))).items
    assert (len(call.sources), call.values["time_to_first_token"], call.values["session_id"]) == (2, 0.4, "cc-1")
    (tool,) = (await store.find_facts(FactQuery("tool_call", ALL))).items
    assert (tool.values["decision"], tool.values["failed"]) == ("accept", 1)


async def test_one_answer_told_in_two_traces_is_one_call(store: Store) -> None:
    await deliver(store, gateway())
    found = await sums(store)
    assert (found.llm_calls, found.input_tokens) == (1, 7)


async def test_totals_count_where_no_call_below_has_usage(store: Store) -> None:
    run = span(1, 1, None, 0, "invoke_agent lone", **AGENT, gen_ai__agent__name="lone", **usage(40, 4))
    await deliver(store, [run])
    assert (await sums(store)).input_tokens == 40
    await deliver(store, [span(1, 2, 1, 0.1, "chat gpt-4o", **CHAT, **usage(30, 3))])
    assert (await sums(store)).input_tokens == 30


async def test_a_session_that_comes_late_takes_over_what_was_there(store: Store) -> None:
    records = delegation(1)
    await deliver(store, records[2:])
    (before,) = (await store.find_sessions(SessionQuery(EVER))).items
    assert before.inferred
    await deliver(store, records[:2])
    (after,) = (await store.find_sessions(SessionQuery(EVER))).items
    assert (after.session_id, after.inferred, after.sums.llm_calls, after.agents) == ("s-1", False, 2, ("planner", "helper"))


async def test_a_session_reaches_what_names_only_its_turn(store: Store) -> None:
    for record in reversed(named_by_turn()):
        await deliver(store, [record])
    (session,) = (await store.find_sessions(SessionQuery(EVER))).items
    assert (session.session_id, session.sums.llm_calls, session.sums.turns) == ("g-1", 1, 1)


async def test_rings_of_parents_end(store: Store) -> None:
    await deliver(store, ring())
    found = await sums(store)
    assert (found.llm_calls, found.runs, found.input_tokens) == (2, 2, 3)
