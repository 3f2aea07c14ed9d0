"""Proves what is kept where no record tells of a user's turn or of a tool's call, but the messages of model calls show them: one
turn a trace, one call for each result, marked as inferred, never beside a record that tells the same, and gone with their record.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from storage.agents_contract import FactQuery
from storage.sqlite.connect import connect_writer
from storage.sqlite.facts.expiry import remove_facts
from storage.sqlite.store import SqliteSettings, open_store
from tests.contract.agent_stories import ALL, EVER, deliver, event, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from storage.agents_contract import FactKind, FactRecord
    from tests.contract.agent_stories import Record

TALK = {"gen_ai__conversation__id": "s-1"}
CHAT = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-5-mini", **TALK}
ASKED = {"role": "user", "parts": [{"type": "text", "content": "What is the weather?"}]}


def calling(call_id: str, name: str = "get_weather", city: str = "Paris") -> dict[str, Any]:
    return {"role": "assistant", "parts": [{"type": "tool_call", "id": call_id, "name": name, "arguments": {"city": city}}]}


def answering(call_id: str, result: str = "21 degrees") -> dict[str, Any]:
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": call_id, "result": result}]}


SAID = {"role": "assistant", "parts": [{"type": "text", "content": "It is warm."}]}


def chat(trace: int, number: int, at: float, given: Sequence[dict[str, Any]], got: dict[str, Any], **more: Any) -> Record:
    messages = {
        "gen_ai__input__messages": orjson.dumps(given).decode(),
        "gen_ai__output__messages": orjson.dumps([got]).decode(),
    }
    return span(trace, number, more.pop("parent", 1), at, "chat gpt-5-mini", **CHAT, **messages, **more)


def run(trace: int = 1) -> list[Record]:
    """An agent asks a model, which wants a tool and then answers with what it gave; then again, with the whole history."""
    one, two = f"c-{trace}", f"c-{trace + 1}"
    second = [ASKED, calling(one), answering(one)]
    third = [*second, calling(two, city="Rome"), answering(two, "18 degrees")]
    return [
        span(trace, 1, None, 0, "invoke_agent desk", gen_ai__operation__name="invoke_agent", gen_ai__agent__name="desk", **TALK),
        chat(trace, 2, 1, [ASKED], calling(one)),
        chat(trace, 3, 5, second, calling(two, city="Rome")),
        chat(trace, 4, 9, third, SAID),
    ]


def tool(trace: int, number: int, at: float, call_id: str | None) -> Record:
    known = {} if call_id is None else {"gen_ai__tool__call__id": call_id}
    told = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "get_weather", **TALK, **known}
    return span(trace, number, 1, at, "execute_tool get_weather", **told)


async def kept(path: Path, requests: Iterable[Sequence[Record]], fact: FactKind) -> list[FactRecord]:
    store = await open_store(SqliteSettings(path))
    try:
        for request in requests:
            await deliver(store, request)
        return list(reversed((await store.find_facts(FactQuery(fact, ALL, content=True))).items))
    finally:
        await store.aclose()


async def test_a_call_that_only_messages_show_is_kept_once_with_its_arguments_and_result(tmp_path: Path) -> None:
    found = await kept(tmp_path / "otlpd.db", [run()], "tool_call")

    assert [(one.values["kind"], one.values["tool_call_id"], one.values["tool_name"]) for one in found] == [
        ("inferred", "c-1", "get_weather"),
        ("inferred", "c-2", "get_weather"),
    ]
    assert [one.values["agent_name"] for one in found] == ["desk", "desk"]
    assert [one.values["duration"] for one in found] == [None, None]
    assert len({one.values["arguments_hash"] for one in found}) == 2
    assert [[(part.direction, part.text) for part in one.contents] for one in found] == [
        [("arguments", '{"city":"Paris"}'), ("result", "21 degrees")],
        [("arguments", '{"city":"Rome"}'), ("result", "18 degrees")],
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_span_of_the_call_takes_its_place_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    """One of the two calls is told by a span of the trace, the other by one of another trace in the same session."""
    requests = [run(), [tool(1, 7, 3, "c-1")], [tool(2, 8, 7, "c-2")]]

    found = await kept(tmp_path / "otlpd.db", [requests[place] for place in order], "tool_call")

    assert [(one.values["origin"], one.values["tool_call_id"]) for one in found] == [("span", "c-1"), ("span", "c-2")]


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_where_a_told_call_does_not_name_its_id_none_is_inferred(tmp_path: Path, order: tuple[int, ...]) -> None:
    requests = [run(), [tool(1, 7, 3, None)]]

    found = await kept(tmp_path / "otlpd.db", [requests[place] for place in order], "tool_call")

    assert [one.values["origin"] for one in found] == ["span"]


async def test_a_call_without_a_result_and_a_hand_over_are_no_calls(tmp_path: Path) -> None:
    handed = [ASKED, calling("c-9", "transfer_to_helper"), answering("c-9", "{}")]
    records = [chat(1, 1, 0, [ASKED], calling("c-8"), parent=None), chat(1, 2, 2, handed, SAID)]

    assert await kept(tmp_path / "otlpd.db", [records], "tool_call") == []


async def test_a_run_is_one_turn_of_the_user_who_asked(tmp_path: Path) -> None:
    (turn,) = await kept(tmp_path / "otlpd.db", [run()], "user_turn")

    assert (turn.values["origin"], turn.values["session_id"], turn.values["agent_name"]) == ("inferred", "s-1", "desk")
    assert [(part.role, part.text) for part in turn.contents] == [("user", "What is the weather?")]


async def test_a_model_call_alone_is_a_turn_only_where_a_user_spoke_last(tmp_path: Path) -> None:
    asked = chat(1, 1, 0, [ASKED], calling("c-1"), parent=None)
    went_on = chat(2, 2, 2, [ASKED, calling("c-1"), answering("c-1")], SAID, parent=None)
    unheard = span(3, 3, None, 4, "chat gpt-5-mini", **CHAT)

    (turn,) = await kept(tmp_path / "otlpd.db", [[asked, went_on, unheard]], "user_turn")

    assert turn.values["trace_id"] == f"{1:032x}"


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_a_prompt_that_is_told_is_no_second_turn(tmp_path: Path, order: tuple[int, ...]) -> None:
    """An unknown coding agent tells of its prompts in log records outside of any trace."""
    prompt = event("acme.user_prompt", 0.5, "acme", session__id="s-1", prompt="What is the weather?")
    requests = [run(), [prompt]]

    found = await kept(tmp_path / "otlpd.db", [requests[place] for place in order], "user_turn")

    assert [one.values["origin"] for one in found] == ["user_prompt"]


async def test_what_is_inferred_goes_with_its_record(tmp_path: Path) -> None:
    path = tmp_path / "otlpd.db"
    await kept(path, [run(), run(5)], "tool_call")
    connection = connect_writer(path)
    connection.execute("begin")
    last = connection.execute("select max(span_rows.id) from span_rows").fetchone()[0]
    remove_facts(connection, "spans", 1, last // 2)
    connection.execute("commit")
    left = connection.execute("select origin, count(*) from facts group by origin order by origin").fetchall()
    connection.close()

    assert left == [("inferred", 3), ("span", 4)]


async def test_completeness_counts_what_was_inferred(tmp_path: Path) -> None:
    store = await open_store(SqliteSettings(tmp_path / "otlpd.db"))
    try:
        await deliver(store, run())
        found = await store.completeness(EVER)
    finally:
        await store.aclose()

    assert (found.inferred_turns, found.inferred_tool_calls) == (1, 2)
