"""The views of agents say what the API says: agents, sessions, conversations, calls, tools and errors, and where each leads.

Ranges are "all time", as the recorded agents ran when they were recorded.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.story import tell_of
from tests.browser.visit import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import StartDaemon
    from tests.running import Daemon

MOST_SECONDS = 120
TALK = {"user_turn", "agent_run", "llm_call", "tool_call"}

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def known(told: Daemon) -> Daemon:
    """What agents did is worked out behind the ingest: waits until nothing is owed."""
    end = time.monotonic() + MOST_SECONDS
    while told.ask("/api/stats")["counters"]["facts_owed"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    return told


def busiest(daemon: Daemon) -> dict[str, Any]:
    agents: list[dict[str, Any]] = daemon.ask("/api/agents?limit=1000")
    return max(agents, key=lambda agent: int(agent["llm_calls"]))


def numbers(texts: list[str]) -> list[int]:
    return [int(text.replace(",", "")) for text in texts if text[-1].isdigit()]


def test_every_agent_stands_in_the_table(known: Daemon, visit: Visit) -> None:
    agents = known.ask("/api/agents?limit=1000")
    visit.open("agents?start=all")
    names = [text.removesuffix("metrics only").strip() for text in visit.cells("Agents", "Agent")]
    assert names == [agent["name"] for agent in agents]
    told = [agent for agent in agents if agent["told_by"] == "events"]
    assert numbers(visit.cells("Agents", "LLM calls")) == [agent["llm_calls"] for agent in told]
    assert numbers(visit.cells("Agents", "Unpriced")) == [agent["unpriced_calls"] for agent in agents]
    visit.check()


def test_what_the_figures_leave_out_is_said_in_words(known: Daemon, visit: Visit) -> None:
    completeness = known.ask("/api/completeness")
    visit.open("agents?start=all")
    expect(visit.page.get_by_role("note").filter(has_text="Left out:").first).to_be_visible()
    panel = visit.page.locator("section.panel", has_text="What these figures leave out")
    expect(panel).to_contain_text(f"{completeness['inferred_sessions']} of {completeness['sessions']} are single traces")
    expect(panel).to_contain_text(f"{completeness['calls_without_usage']} of {completeness['llm_calls']} LLM calls told none")


def test_an_agent_shows_its_models_tools_and_company(known: Daemon, visit: Visit, axe: str, pictures: Path) -> None:
    agent = busiest(known)
    detail = known.ask(f"/api/agents/{quote(agent['agent_id'], safe='')}/summary")
    visit.open(f"agents/{quote(agent['agent_id'], safe='')}?start=all")
    assert visit.cells("Models", "Model") == [row["group"]["model"] or "no model name" for row in detail["models"]]
    assert numbers(visit.cells("Models", "Calls")) == [row["llm_calls"] for row in detail["models"]]
    assert numbers(visit.cells("Tools", "Calls")) == [row["tool_calls"] for row in detail["tools"]]
    assert len(detail["tools"]) > 0
    drawn = visit.page.get_by_role("region", name=f"What {agent['name']} works with")
    expect(drawn.locator("a")).not_to_have_count(0)
    visit.in_both_schemes(pictures, "agent", axe)


def test_an_agent_that_only_metrics_tell_of_says_so(chromium: Browser, start_daemon: StartDaemon) -> None:
    daemon = start_daemon()
    tell_of(daemon, "claude-code-metrics-only")
    [name] = daemon.ask("/api/completeness")["agents_told_only_by_metrics"]
    with Visit(chromium, daemon) as visit:
        visit.open(f"agents/{quote(name, safe='')}?start=all")
        expect(visit.page.get_by_text("Only metrics tell of this agent")).to_be_visible()
        visit.check()


def test_sessions_stand_in_the_order_of_the_api(known: Daemon, visit: Visit) -> None:
    dearest = known.ask("/api/sessions?order=cost&limit=100")
    visit.open("sessions?start=all&order=cost")
    shown = [text.removesuffix("one trace").strip() for text in visit.cells("Sessions", "Session")]
    assert shown == [session["session_id"] for session in dearest]
    inferred = visit.rows("Sessions").filter(has_text="one trace")
    assert inferred.count() == sum(session["inferred"] for session in dearest)
    visit.check()


def test_a_session_is_told_as_it_happened(known: Daemon, visit: Visit, axe: str, pictures: Path) -> None:
    """Each user, agent, model and tool once and in order; what was said; and the way to the span."""
    session_id = known.ask("/api/llm-calls?limit=1&agent=qwen-code")[0]["session_id"]
    session = known.ask(f"/api/sessions/{session_id}")
    talk = [fact for fact in session["facts"] if fact["fact"] in TALK]
    visit.open(f"sessions/{session_id}")
    steps = visit.page.locator("ol.talk > li")
    expect(steps).to_have_count(len(talk))
    assert [step.get_attribute("id") for step in steps.all()] == [f"fact-{fact['id']}" for fact in talk]
    said = next(part["text"] for fact in talk if fact["fact"] == "user_turn" for part in fact["content"])
    expect(steps.filter(has_text=said).first).to_be_visible()
    visit.in_both_schemes(pictures, "session", axe)
    visit.page.get_by_role("button", name="With steps and events").click()
    expect(steps).to_have_count(len(session["facts"]))
    with_span = next(fact for fact in talk if fact["trace_id"] and fact["span_id"])
    visit.page.locator(f"#fact-{with_span['id']}").get_by_role("link", name="Span of").click()
    expect(visit.page).to_have_url(re.compile(f"#/traces/{with_span['trace_id']}.*{with_span['span_id']}"))
    visit.settle().check(axe)


def test_what_was_said_is_found_in_its_session(known: Daemon, visit: Visit) -> None:
    hits = known.ask("/api/search?q=weather&limit=20")
    visit.open("sessions?start=all&q=weather")
    expect(visit.rows("Where it was said")).to_have_count(len(hits))
    visit.rows("Where it was said").first.locator("a[data-row]").click()
    expect(visit.page.locator(f"#fact-{hits[0]['fact']['id']}")).to_be_visible()
    visit.settle().check()


def test_model_calls_are_filtered_and_lead_to_one_call(known: Daemon, visit: Visit) -> None:
    failed = known.ask("/api/llm-calls?status=error&limit=100")
    assert failed
    visit.open("llm-calls?start=all")
    visit.page.get_by_label("Status").select_option("error")
    expect(visit.rows("LLM calls")).to_have_count(len(failed))
    visit.check()
    visit.page.keyboard.press("Escape")
    visit.rows("LLM calls").first.locator("a[data-row]").click()
    expect(visit.page.get_by_role("alert")).to_contain_text(failed[0]["error_type"])
    expect(visit.page).to_have_url(re.compile(f"#/llm-calls/{failed[0]['id']}$"))


def test_model_calls_are_summed_up_by_what_is_chosen(known: Daemon, visit: Visit) -> None:
    by_provider = known.ask("/api/usage?group_by=provider&limit=200&percentiles_of=llm_call")
    visit.open("llm-calls?start=all")
    visit.page.get_by_role("group", name="Sum up by").get_by_role("button", name="Provider").click()
    visit.settle()
    expected = [row["llm_calls"] for row in by_provider if row["llm_calls"]]
    assert numbers(visit.cells("LLM calls summed up", "Calls")) == expected


def test_a_tool_call_shows_arguments_and_result(known: Daemon, visit: Visit, axe: str) -> None:
    calls = known.ask("/api/tool-calls?content=true&limit=100")
    visit.open("tools?start=all")
    assert visit.cells("Tool calls", "Tool") == [call["tool_name"] or "no tool name" for call in calls]
    visit.check()
    # The newest hundred may be of senders that record no content.
    more = known.ask("/api/tool-calls?content=true&limit=1000")
    call = next(call for call in more if "arguments" in {part["direction"] for part in call["content"]})
    visit.open(f"tools/{call['id']}")
    panel = visit.page.locator("section.panel", has_text="Arguments and result")
    expect(panel).to_contain_text("Arguments")
    expect(panel.locator(".piece")).to_have_count(len(call["content"]))
    visit.check(axe)


def test_errors_stand_with_their_newest_example(known: Daemon, visit: Visit) -> None:
    groups = known.ask("/api/errors?limit=500")
    visit.open("errors?start=all")
    assert sorted(numbers(visit.cells("Errors", "Times"))) == sorted(group["count"] for group in groups)
    assert set(visit.cells("Errors", "Type")) == {f"▲ {group['error_type']}" for group in groups}
    visit.check()


def test_keys_lead_to_the_views_of_agents_and_along_their_rows(known: Daemon, visit: Visit) -> None:
    assert known.ask("/api/agents")
    visit.open("overview")
    visit.page.keyboard.press("g")
    visit.page.keyboard.press("a")
    expect(visit.page).to_have_url(re.compile("#/agents$"))
    visit.open("agents?start=all")
    expect(visit.rows("Agents").first).to_be_visible()
    visit.page.keyboard.press("j")
    visit.page.keyboard.press("Enter")
    expect(visit.page).to_have_url(re.compile("#/agents/."))
