"""Proves what sums leave out: what has begun and not ended, until it ends; and a refusal that was told again by all around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from storage.agents_contract import SessionQuery, UsageQuery
from storage.sqlite.store import SqliteSettings, open_store
from tests.contract.agent_stories import ALL, EVER, deliver, span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.agents_contract import Sums
    from storage.contract import Store
    from tests.contract.agent_stories import Record

CHAT = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-5-mini", "gen_ai__conversation__id": "s-1"}
RUN = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "desk", "gen_ai__conversation__id": "s-1"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(SqliteSettings(tmp_path / "otlpd.db"))
    try:
        yield store
    finally:
        await store.aclose()


async def sums(store: Store) -> Sums:
    found = list(await store.usage(UsageQuery(ALL)))
    return found[0].sums


async def test_what_has_not_ended_is_counted_when_it_has(store: Store) -> None:
    done = span(1, 2, 1, 1, "chat", **CHAT, gen_ai__usage__input_tokens=5)
    pending = {"logfire__span_type": "pending_span", "logfire__pending_parent_id": f"{1:016x}"}
    begun = span(1, 9, 3, 2, "chat (pending)", **CHAT, **pending)
    await deliver(store, [span(1, 1, None, 0, "invoke_agent desk", **RUN), done, begun])

    before = await sums(store)
    (session,) = (await store.find_sessions(SessionQuery(EVER))).items
    complete = await store.completeness(EVER)
    await deliver(store, [span(1, 3, 1, 2, "chat", **CHAT)])
    after = await sums(store)
    ended = await store.completeness(EVER)

    assert (before.llm_calls, before.calls_without_usage, session.sums.llm_calls, complete.open_facts) == (1, 0, 1, 1)
    assert (after.llm_calls, after.calls_without_usage, ended.open_facts) == (2, 1, 0)


async def test_one_refusal_is_one_although_the_run_around_it_says_so_too(store: Store) -> None:
    refused = {"error__type": "RateLimitError"}
    records: list[Record] = [
        replace(span(1, 1, None, 0, "invoke_agent desk", **RUN, **refused), failed=True),
        replace(span(1, 2, 1, 1, "chat", **CHAT, **refused), failed=True),
    ]
    await deliver(store, records)

    found = await sums(store)

    assert (found.llm_errors, found.run_errors, found.rate_limited) == (1, 1, 1)


async def test_an_agents_errors_are_of_calls_and_runs(store: Store) -> None:
    """A step that fails with what it holds is no error of its own."""
    step = span(1, 2, 1, 1, "task", traceloop__span__kind="task", error__type="Exception")
    tool = span(1, 3, 1, 2, "execute_tool x", gen_ai__operation__name="execute_tool", error__type="ValueError")
    await deliver(store, [span(1, 1, None, 0, "invoke_agent desk", **RUN), step, tool])

    found = await store.agent("desk", EVER)

    assert found is not None
    assert [(row.group["error_type"], row.sums.errors) for row in found.errors] == [("ValueError", 1)]
