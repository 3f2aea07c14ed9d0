"""Proves that facts degrade and nothing fails: absurd values, times out of order, long chains, sessions of many thousand spans,
a long trace whose root comes last; and that facts go when the records that told of them go.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from storage.agents_contract import FactFilter, FactQuery, SessionQuery
from storage.sqlite.connect import connect_reader
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from storage.sqlite.upkeep.retention import RetentionSettings
from storage.sqlite.upkeep.schedule import TAIL_AGE_NS
from tests.contract.agent_stories import ALL, EVER, Record, deliver, span
from tests.contract.test_agent_facts import AGENT, CHAT, TOOL, coding_agent, delegation, sums, usage
from tests.contract.told import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.contract import Store

DAY_NS = 86_400 * 10**9
ABSURD: Sequence[dict[str, Any]] = (
    {"gen_ai__usage__input_tokens": "many", "gen_ai__usage__output_tokens": -5},
    {"gen_ai__usage__input_tokens": 2**62, "gen_ai__usage__output_tokens": 2**62},
    {"gen_ai__usage__input_tokens": float("nan"), "gen_ai__usage__cost": float("inf")},
    {"gen_ai__agent__name": "a" * 100_000, "session__id": "s" * 100_000, "gen_ai__request__model": "m" * 100_000},
    {"gen_ai__agent__name": b"\xff\x00", "session__id": True, "user__id": 7},
    {"gen_ai__input__messages": "[" * 5_000, "gen_ai__response__finish_reasons": '{"x": ['},
    {"gen_ai__response__id": "", "gen_ai__tool__call__id": " ", "gen_ai__request__model": ""},
)


async def test_absurd_values_cost_no_record(store: Store) -> None:
    records = [span(number, 1, None, 0, "chat x", **{**CHAT, **values}) for number, values in enumerate(ABSURD, 1)]
    await deliver(store, records)
    assert (await sums(store)).llm_calls == len(ABSURD)
    for fact in (await store.find_facts(FactQuery("llm_call", ALL))).items:
        assert fact.values["input_tokens"] is None or 0 <= fact.values["input_tokens"] < 2**53
    assert (await store.statistics()).spans == len(ABSURD)


async def test_times_out_of_order_cost_nothing(store: Store) -> None:
    """Children before their parents, ends before beginnings, the year 1970."""
    records = delegation(1)
    early = Record("chat gpt-4o", -1.79e9, {"gen_ai.operation.name": "chat"}, 0.0, trace=1, id=20, parent=6)
    backwards = Record("chat gpt-4o", 5, {"gen_ai.operation.name": "chat"}, -3.0, trace=1, id=21, parent=6)
    await deliver(store, [backwards, early, *records])
    found = await sums(store, agent="helper")
    assert found.llm_calls == 3
    assert all((fact.values["duration"] or 0) >= 0 for fact in (await store.find_facts(FactQuery("llm_call", ALL))).items)


def long_trace(spans: int, *, chain: bool) -> list[Record]:
    """Without its root, which has the number 1."""
    records = []
    for number in range(2, spans + 1):
        parent = number - 1 if chain else (number // 7 or 1)
        kind: dict[str, Any] = {
            0: {**CHAT, "gen_ai__response__id": f"r{number}", **usage(10, 1)},
            1: {**TOOL, "gen_ai__tool__name": "t", "gen_ai__tool__call__id": f"c{number}"},
            2: {},
        }[number % 3]
        records.append(span(1, number, parent, number * 0.01, "work", **kind))
    return records


def root() -> Record:
    return span(1, 1, None, 0, "invoke_agent boss", **AGENT, gen_ai__agent__name="boss", session__id="late")


async def settled(store: Store, calls: int, within: float) -> None:
    """Facts may yield to ingest: waits until those of the boss are there."""
    end = time.monotonic() + within
    while True:
        sessions = (await store.find_sessions(SessionQuery(EVER))).items
        if [one.session_id for one in sessions] == ["late"] and sessions[0].sums.llm_calls == calls:
            return
        assert time.monotonic() < end, sessions
        await asyncio.sleep(0.05)


async def test_a_long_trace_whose_root_comes_last(store: Store) -> None:
    """The bound is wide: on two idle cores it takes half a second."""
    records = long_trace(3_000, chain=False)
    for first in range(0, len(records), 500):
        await deliver(store, records[first : first + 500])
    await deliver(store, [root()])
    await settled(store, 1_000, 40)
    assert {row.name for row in await store.agents(FactFilter(EVER))} == {"boss"}


async def test_a_chain_of_a_thousand_parents(store: Store) -> None:
    await deliver(store, long_trace(1_000, chain=True))
    await deliver(store, [root()])
    await settled(store, 333, 30)


def _rows(path: Path, table: str) -> int:
    return int(connect_reader(path).execute(f"select count(*) from {table}").fetchone()[0])


async def _round(store: SqliteStore, clock: list[int]) -> None:
    clock[0] += TAIL_AGE_NS + 1
    store._upkeep.round()
    clock[0] += 40 * DAY_NS
    store._upkeep._doubt_until = None
    for _ in range(3):
        await _at_rest(store)
        store._upkeep._last = (clock[0], store._upkeep._steady_clock())
        store._upkeep.round()
    await _at_rest(store)


async def _at_rest(store: SqliteStore) -> None:
    for _ in range(3_000):
        if store._writer.idle:
            return
        await asyncio.sleep(0.01)


async def test_facts_go_with_the_records_that_told_of_them(tmp_path: Path) -> None:
    path, clock = tmp_path / "old.db", [NOW]
    settings = SqliteSettings(path, retention=RetentionSettings(max_age_days=30.0), upkeep_seconds=3_600)
    store = await open_store(settings, lambda: clock[0])
    try:
        await deliver(store, [*delegation(1), *coding_agent()])
        assert _rows(path, "facts") > 5
        assert _rows(path, "contents") > 0
        await _round(store, clock)
        left = {
            table: _rows(path, table)
            for table in ("facts", "sessions", "fact_sources", "fact_contents", "contents", "fact_traces")
        }
        assert left == dict.fromkeys(left, 0)
        assert (await sums(store)).llm_calls == 3, "sums stay as long as roll-ups do"
        assert (await store.find_sessions(SessionQuery(EVER))).items == []
    finally:
        await store.aclose()
