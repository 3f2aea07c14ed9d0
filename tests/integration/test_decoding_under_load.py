"""Under load requests are decoded without looking for facts: nothing is lost by it, metrics are not touched, and it ends with
the load. The writer finds the facts in the rows, as those that it derives itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from benchmarks.telemetry import SECOND_NS, trace_request
from proto_fixtures.agents import agent_fixtures
from receiver.decoding import LARGE_BYTES, ProcessDecoder
from storage.facts.costs import Prices
from storage.rows import batch_of
from storage.sqlite.store import SqliteSettings, open_store
from storage.sqlite.writing.allowance import MOST_SAVED_SECONDS, Allowance
from storage.sqlite.writing.work import Work
from tests.integration.test_facts_owed import RECEIVED, facts, pay_all, sums, work_on

if TYPE_CHECKING:
    from pathlib import Path

    from storage.batch import Batch


def requests() -> list[tuple[str, bytes]]:
    """Small and large ones."""
    rng = random.Random(3)
    made = [("traces", trace_request(rng, spans, RECEIVED + spans * SECOND_NS)) for spans in (60, 300)]
    for fixture in agent_fixtures():
        made += [(part.signal, part.message().SerializeToString()) for part in fixture.bodies]
    assert {len(body) >= LARGE_BYTES for _, body in made} == {True, False}
    return made


async def decoded(workers: int, has_time: bool) -> list[Batch]:
    decoder = ProcessDecoder(workers, None, lambda: has_time)
    batches = await asyncio.gather(*(decoder.decode(signal, body, "protobuf", RECEIVED) for signal, body in requests()))
    await decoder.aclose()
    return batches


def written(path: Path, batches: list[Batch]) -> Work:
    work = work_on(path)
    for batch in batches:
        work.write([batch])
    return work


@pytest.mark.parametrize("workers", [0, 1])
async def test_a_request_decoded_without_facts_ends_with_the_same_facts(tmp_path: Path, workers: int) -> None:
    bare = await decoded(workers, has_time=False)
    assert [batch.derived for batch in bare] == [batch.signal == "metrics" for batch in bare]
    assert not [batch for batch in bare if batch.facts and batch.signal != "metrics"]
    later = written(tmp_path / "later.db", bare)
    assert later.owed.pieces
    pay_all(later)

    at_once = written(tmp_path / "at_once.db", await decoded(workers, has_time=True))

    assert facts(later) == facts(at_once)
    assert sums(later) == sums(at_once)


async def test_facts_that_are_paid_later_have_the_prices_of_the_user(tmp_path: Path) -> None:
    """The writer derives with the same prices as who decodes."""
    price = b'{"gpt-4o": {"input_cost_per_token": 1000, "output_cost_per_token": 1000}}'
    body = trace_request(random.Random(3), 60, RECEIVED)
    costs: list[float] = []
    for prices in (None, Prices.from_text(price)):
        work = work_on(tmp_path / f"{len(costs)}.db")
        work = Work(work.connection, prices)
        work.load()
        work.write([batch_of("traces", body, RECEIVED)], owe_facts=True)
        pay_all(work)
        (models,) = work.connection.execute("select group_concat(distinct model) from named_facts").fetchone()
        (cost,) = work.connection.execute("select total(computed_cost) from named_facts").fetchone()
        costs.append(cost)
    assert "gpt-4o" in models
    assert costs[1] > 1_000 > costs[0] > 0


def test_rest_gives_time_back() -> None:
    allowance = Allowance()
    assert allowance.would_be_left(at_rest=False)
    allowance.spend(MOST_SAVED_SECONDS + 0.05)
    assert not allowance.would_be_left(at_rest=False)
    assert not allowance.would_be_left(at_rest=True)
    time.sleep(0.1)
    assert not allowance.would_be_left(at_rest=False)
    assert allowance.would_be_left(at_rest=True)


def test_facts_that_would_hold_up_a_group_are_owed() -> None:
    """However much time was saved; and what an event takes is learned from what events took."""
    allowance = Allowance()
    assert allowance.covers(500)
    assert not allowance.covers(50_000)
    for _ in range(20):
        allowance.spend(0.0001, 100)
    assert allowance.covers(50_000)


def test_gaps_between_groups_are_no_rest() -> None:
    now = 0.0
    allowance = Allowance(lambda: now)
    allowance.spend(MOST_SAVED_SECONDS + 0.1)
    for _ in range(5):
        now += 0.04
        allowance.idle_until_now()
    assert not allowance.is_left  # 0.2 s in gaps earned 0.06 s
    now += 0.2
    allowance.idle_until_now()
    assert allowance.is_left


async def test_a_store_says_when_it_has_no_time_and_when_it_has_again(tmp_path: Path) -> None:
    store = await open_store(SqliteSettings(tmp_path / "busy.db"))
    assert store.has_time_for_facts
    batches = iter([batch_of("traces", trace_request(random.Random(seed), 100, RECEIVED), RECEIVED) for seed in range(400)])
    for _ in range(100):
        await asyncio.gather(*map(store.write, islice(batches, 4)))
        if not store.has_time_for_facts:
            break
    assert not store.has_time_for_facts
    for _ in range(600):
        if store.has_time_for_facts:
            break
        await asyncio.sleep(0.1)
    assert store.has_time_for_facts
    await store.aclose()
