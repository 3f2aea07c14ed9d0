"""The agent fixtures hold together, by readings that know nothing of agents.

Every body parses and is of the signal its name says; every fixture says where it comes from. What is expected agrees with
itself, with plain counts and sums over the bodies (``proto_fixtures.agents.reading``), with the traces and roots in them,
and, where a real library was recorded, with what the stub model served it. A handwritten fixture is what its literals say.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from proto_fixtures.agents import FOLDER, AgentFixture, agent_fixture, agent_fixtures
from proto_fixtures.agents.reading import SIGNALS, items, read
from proto_fixtures.record.agents import handwritten
from proto_fixtures.record.agents.libraries import LIBRARIES
from proto_fixtures.record.agents.model_answers import usage

if TYPE_CHECKING:
    from proto_fixtures.record.agents.building import Fixture

MAX_BODY, MAX_ALL = 200_000, 4_000_000
TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
RECORDED = tuple(fixture for fixture in agent_fixtures() if fixture.meta["recorded"])
CLAUSES = [(fixture, clause) for fixture in agent_fixtures() for clause in fixture.expected["reading"]]


def _name(given: object) -> str:
    if isinstance(given, AgentFixture):
        return given.name
    return str(given.get("fact") or given.get("trap")) if isinstance(given, dict) else str(given)


every_fixture = pytest.mark.parametrize("fixture", agent_fixtures(), ids=_name)
every_recorded = pytest.mark.parametrize("fixture", RECORDED, ids=_name)


def test_each_library_and_each_handwritten_client_has_its_fixture() -> None:
    names = [fixture.name for fixture in agent_fixtures()]
    assert names == sorted({*(library.name for library in LIBRARIES), *handwritten.NAMES})
    assert {fixture.name for fixture in RECORDED} == {library.name for library in LIBRARIES}


def test_files_are_small() -> None:
    sizes = {path: path.stat().st_size for path in FOLDER.glob("*/*")}
    assert max(sizes.values()) < MAX_BODY
    assert sum(sizes.values()) < MAX_ALL


@every_fixture
def test_each_body_parses_and_holds_something(fixture: AgentFixture) -> None:
    assert fixture.bodies
    assert [body.name for body in fixture.bodies] == [told["file"] for told in fixture.meta["bodies"]]
    for body in fixture.bodies:
        assert body.signal in SIGNALS.values()
        assert list(items(body.message())), body.name


@every_fixture
def test_meta_says_where_it_comes_from(fixture: AgentFixture) -> None:
    program = FOLDER.parent.parent / fixture.meta["program"]
    assert program.is_file()
    if fixture.meta["recorded"]:
        assert fixture.meta["versions"]
    else:
        assert fixture.meta["after"]


@every_fixture
def test_expected_agrees_with_itself(fixture: AgentFixture) -> None:
    expected = fixture.expected
    agents = expected.get("agents", [])
    assert agents == sorted(set(agents))
    assert set(expected.get("agent_runs", agents)) == set(agents)
    assert {*expected.get("parents", {}), *expected.get("parents", {}).values()} <= set(agents)
    assert expected["traps"]
    tools, calls = expected.get("tool_calls", {}), expected.get("llm_calls", {})
    assert sum(tools.get("names", {}).values()) == tools.get("count", 0)
    for told in (tools, calls):
        assert told.get("errors", 0) <= told.get("count", 0)
    for split in ("models", "providers"):
        assert sum(calls.get(split, {}).values()) <= calls.get("count", 0)
    if "by_agent" in calls:
        assert sum(calls["by_agent"].values()) == calls["count"]
        assert set(calls["by_agent"]) <= set(agents)


@every_fixture
def test_each_call_with_usage_has_one_status_of_cost(fixture: AgentFixture) -> None:
    calls, cost = fixture.expected.get("llm_calls", {}), fixture.expected.get("cost", {})
    if cost and "no_usage" in calls and not fixture.expected.get("from_metrics"):
        assert cost["reported"] + cost["computed"] + cost["unpriced"] == calls["count"] - calls["no_usage"]


@every_fixture
def test_errors_are_those_that_are_counted(fixture: AgentFixture) -> None:
    expected = fixture.expected
    kinds = Counter(error["kind"] for error in expected.get("errors", []))
    assert (kinds["tool"] > 0) == (expected.get("tool_calls", {}).get("errors", 0) > 0)
    assert (kinds["llm"] > 0) == (expected.get("llm_calls", {}).get("errors", 0) > 0)


@pytest.mark.parametrize(("fixture", "clause"), CLAUSES, ids=_name)
def test_expected_is_what_a_plain_reading_gives(fixture: AgentFixture, clause: dict[str, Any]) -> None:
    wanted = _expected(fixture, clause["fact"]) if "fact" in clause else clause["is"]
    assert read(fixture, clause) == (pytest.approx(wanted) if isinstance(wanted, float) else wanted)


def _expected(fixture: AgentFixture, path: str) -> Any:
    found: Any = fixture.expected
    for step in path.split("."):
        found = found[step]
    return found


@every_fixture
def test_the_facts_that_matter_are_read_plainly(fixture: AgentFixture) -> None:
    """No fixture with calls or tools goes without a reading."""
    facts = {clause.get("fact", "") for clause in fixture.expected["reading"]}
    traps = [clause for clause in fixture.expected["reading"] if "trap" in clause]
    assert traps or facts & {"llm_calls.count", "tool_calls.count", "tokens.input"}


@every_fixture
def test_traces_and_roots_are_those_in_the_bodies(fixture: AgentFixture) -> None:
    spans = {}
    for body in fixture.of("traces"):
        for span in items(body.message()):
            spans[span["@trace"], span["@span"]] = span
    if "traces" in fixture.expected:
        assert len({trace for trace, _ in spans}) == fixture.expected["traces"]
    if "roots" in fixture.expected:
        assert Counter(span["name"] for span in spans.values() if span["@root"]) == fixture.expected["roots"]


@every_recorded
def test_recorded_calls_are_those_the_model_served(fixture: AgentFixture) -> None:
    expected = fixture.expected
    lost = expected.get("untold", {}).get("calls", [])
    served = [line for line in fixture.meta["model_calls"] if line["number"] not in lost]
    chats = [line for line in served if not line["path"].endswith("/embeddings")]
    embedded = [line for line in served if line["path"].endswith("/embeddings")]
    calls = expected["llm_calls"]
    assert len(chats) == calls["count"]
    assert sum(line["status"] != 200 for line in chats) == calls.get("errors", 0)
    assert sum(not line["usage_told"] for line in chats) == calls.get("no_usage", 0)
    assert sum(line["input"] for line in embedded) == expected.get("embedding_calls", {}).get("input", 0)
    untold = expected.get("untold", {}).get("tokens", [])
    for kind in TOKENS:
        total = sum(line[kind] for line in chats if line["usage_told"])
        told = expected.get("tokens", {}).get(kind, 0)
        assert (told < total) if kind in untold else (told == total), kind


@every_recorded
def test_the_model_answered_by_its_rule(fixture: AgentFixture) -> None:
    for line in fixture.meta["model_calls"]:
        if line["status"] == 200 and not line["path"].endswith("/embeddings"):
            protocol = "anthropic" if line["path"].endswith("/messages") else "openai"
            spent = usage(line["number"], protocol)
            assert {kind: line[kind] for kind in TOKENS} == {kind: getattr(spent, kind) for kind in TOKENS}


@pytest.mark.parametrize("written", handwritten.FIXTURES, ids=lambda written: written.name)
def test_handwritten_files_are_what_the_literals_say(written: Fixture) -> None:
    fixture = agent_fixture(written.name)
    assert [body.body for body in fixture.bodies] == [request.body for request in written.requests]
    assert fixture.expected == written.expected
