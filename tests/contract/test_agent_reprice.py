"""Proves `otlpd reprice`: costs that were worked out follow the prices of today in calls, runs, sessions and sums, what senders
reported stays, and a database that a daemon holds is left alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from otlpd.cli import main
from storage.agents_contract import FactQuery, SessionQuery
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from tests.contract.agent_stories import ALL, EVER, deliver, span
from tests.contract.test_agent_facts import CHAT, coding_agent, delegation, sums, usage

if TYPE_CHECKING:
    from pathlib import Path

PRICES = {
    "gpt-4o": {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3},
    "house-model": {"input_cost_per_token": 1e-4, "output_cost_per_token": 1e-4},
}
UNKNOWN = {**CHAT, "gen_ai__request__model": "house-model", "gen_ai__provider__name": "house"}


async def fill(path: Path) -> None:
    store = await open_store(SqliteSettings(path))
    own = span(5, 1, None, 0, "chat house-model", **UNKNOWN, **usage(100, 10))
    await deliver(store, [*delegation(1, pace=3_000), *coding_agent(), own])
    assert (await sums(store)).unpriced_calls == 1
    await store.aclose()


def run(path: Path, prices: Path) -> int:
    return main(["reprice", "--db", str(path), "--prices", str(prices)])


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(PRICES))
    return file


async def costs(store: SqliteStore) -> dict[str, float]:
    found = await sums(store)
    runs = {
        run.values["agent_name"]: run.values["run_cost"] for run in (await store.find_facts(FactQuery("agent_run", ALL))).items
    }
    sessions = {one.session_id: one.sums.computed_cost for one in (await store.find_sessions(SessionQuery(EVER))).items}
    return {
        "computed": found.computed_cost,
        "reported": found.reported_cost,
        "unpriced": found.unpriced_calls,
        "planner's run": runs["planner"],
        "session": sessions["s-1"],
    }


async def test_costs_follow_the_prices(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "agents.db"
    await fill(path)
    assert run(path, prices) == 0
    assert "1 unpriced -> 4 calls" in capsys.readouterr().out
    store = await open_store(SqliteSettings(path))
    try:
        # 300 tokens in and 30 out of gpt-4o; 110 of the house's own.
        expected = {"computed": 0.371, "reported": 0.25, "unpriced": 0, "planner's run": 0.36, "session": 0.36}
        assert await costs(store) == pytest.approx(expected)
    finally:
        await store.aclose()


async def test_a_database_in_use_is_left_alone(tmp_path: Path, prices: Path) -> None:
    path = tmp_path / "agents.db"
    await fill(path)
    store = await open_store(SqliteSettings(path))
    try:
        assert run(path, prices) != 0
        assert (await sums(store)).unpriced_calls == 1
    finally:
        await store.aclose()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, prices: Path) -> None:
    assert run(tmp_path / "none.db", prices) != 0
    assert not (tmp_path / "none.db").exists()
