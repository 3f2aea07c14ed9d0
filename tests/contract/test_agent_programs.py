"""Proves that programs which know nothing of each other stay apart in one store, also where a stub, a cache or a replay gives all
their answers the same response ids; and that a gateway and its client, and a call's span and event, are still one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from storage.agents_contract import FactQuery
from storage.sqlite.store import SqliteSettings, open_store
from tests.contract.agent_stories import ALL, Record, deliver, span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.contract.told import Attribute

CHAT = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-5-mini", "gen_ai__response__id": "r-1"}
DETAILS = "gen_ai.client.inference.operation.details"


def call(trace: int, number: int, at: float, given: int = 100, **more: Any) -> Record:
    return span(trace, number, more.pop("parent", None), at, "chat gpt-5-mini", **CHAT, gen_ai__usage__input_tokens=given, **more)


def details(trace: int, number: int | None, at: float, given: int = 100) -> Record:
    said: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "r-1",
        "gen_ai.usage.input_tokens": given,
    }
    return Record(DETAILS, at, said, trace=trace, id=number, event=True)


async def calls(path: Path, records: Sequence[Record]) -> list[int]:
    """The input of each call that is kept, by time."""
    store = await open_store(SqliteSettings(path))
    try:
        await deliver(store, records)
        found = (await store.find_facts(FactQuery("llm_call", ALL))).items
        return [one.values["input_tokens"] for one in reversed(found)]
    finally:
        await store.aclose()


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        pytest.param([call(1, 1, 0), call(2, 2, 60)], [100, 100], id="the same answer a minute later, of a cache or a stub"),
        pytest.param(
            [call(1, 1, 0), details(1, 1, 1), call(2, 2, 60, 200), details(2, 2, 61, 200)],
            [100, 200],
            id="with an event each, which names the response again",
        ),
        pytest.param(
            [call(1, 1, 0), details(1, 1, 1), call(1, 2, 2, 200), details(1, 2, 3, 200)],
            [100, 200],
            id="one after the other in a trace, with an event each",
        ),
        pytest.param(
            [call(1, 1, 0, gen_ai__conversation__id="s-1"), call(2, 2, 0, gen_ai__conversation__id="s-2")],
            [100, 100],
            id="at the same moment in two sessions",
        ),
        pytest.param([call(1, 1, 0), call(2, 2, 0, 200)], [100, 200], id="at the same moment with other input"),
        pytest.param([call(1, 1, 0), call(2, 2, 0.1)], [100], id="a gateway that keeps a trace of its own"),
        pytest.param([call(1, 1, 0), details(1, None, 1)], [100], id="a span and an event that names no span"),
        pytest.param([call(1, 1, 0), call(1, 2, 0.1, parent=1)], [100], id="two instrumentations, one in the other"),
    ],
)
async def test_one_response_id_is_one_call_only_at_one_moment(tmp_path: Path, records: Sequence[Record], kept: list[int]) -> None:
    assert await calls(tmp_path / "otlpd.db", records) == kept
