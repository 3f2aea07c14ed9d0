"""With facts switched off telemetry is stored and found as ever, nothing is said of agents, and nothing is owed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks.telemetry import SECOND_NS, trace_request
from storage.agents_contract import FactFilter
from storage.contract import TimeRange, TraceQuery
from storage.rows import batch_of
from storage.sqlite.store import SqliteSettings, open_store
from storage.sqlite.writing.writer import WriterSettings

if TYPE_CHECKING:
    from pathlib import Path

RECEIVED = 1_700_000_000 * SECOND_NS
ALL = TimeRange(None, None)


async def test_only_spans_are_kept_while_facts_are_off(tmp_path: Path) -> None:
    settings = SqliteSettings(tmp_path / "otlpd.db", WriterSettings(facts=False))
    store = await open_store(settings)
    try:
        assert not store.has_time_for_facts
        written = await store.write(batch_of("traces", trace_request(random.Random(1), 100, RECEIVED), RECEIVED))
        assert written.stored == 100
        assert len((await store.find_traces(TraceQuery(ALL, limit=50))).items) == 10
        assert not await store.agents(FactFilter(range=ALL))
        assert (await store.statistics()).counters["facts_owed"] == 0
    finally:
        await store.aclose()


async def test_what_comes_after_facts_are_on_again_has_them(tmp_path: Path) -> None:
    for facts in (False, True):
        store = await open_store(SqliteSettings(tmp_path / "otlpd.db", WriterSettings(facts=facts)))
        try:
            request = trace_request(random.Random(int(facts)), 100, RECEIVED)
            await store.write(batch_of("traces", request, RECEIVED))
            counted = sum(one.sums.llm_calls + one.sums.tool_calls for one in await store.agents(FactFilter(range=ALL)))
        finally:
            await store.aclose()
    assert counted == 90
