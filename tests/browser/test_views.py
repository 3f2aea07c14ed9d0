"""Every view in a real browser, against the API: it stands without an error, an outside request or a barrier that axe knows of
weight, in light and dark, and what it says is what the API answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.story import PURCHASES, sell
from tests.browser.visit import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import StartDaemon
    from tests.running import Daemon

pytestmark = pytest.mark.timeout(400)

VIEWS = {
    "overview": "overview",
    "agents": "agents?start=all",
    "sessions": "sessions?start=all",
    "llm-calls": "llm-calls?start=all",
    "tools": "tools?start=all",
    "errors": "errors?start=all",
    "traces": "traces",
    "spans": "spans?start=all",
    "users": "users?start=all",
    "comparison-of-times": "comparison",
    "comparison-of-agents": "comparison?by=agent&start=all",
    "comparison-of-models": "comparison?by=model&start=all",
    "anomalies": "anomalies?start=-6h",
    "anomalies-of-services": "anomalies?start=-6h&group_by=service",
    "hosts": "hosts",
    "device": "hosts/greenhouse?kind=device",
    "jobs": "jobs",
    "job": "jobs/job-4",
    "logs": "logs",
    "latency": "latency",
    "latency-by-model": "latency?group_by=gen_ai.request.model",
    "metrics": "metrics",
    "metric": "metrics?name=shop.wait&group_by=till",
    "services": "services",
    "status": "status",
}


# What fields offer to choose from, what makes a view look again, and what is shown only where there is any.
FOR_CHOICES = {
    "/api/services", "/api/operations", "/api/agents", "/api/users", "/api/tools", "/api/models", "/api/v1/metadata",
    "/api/metrics", "/api/stream", "/api/loops",
}  # fmt: skip


def declined(daemon: Daemon) -> dict[str, Any]:
    """A trace of the shop with a declined payment."""
    found: list[dict[str, Any]] = daemon.ask("/api/traces?service=bank&status=error&limit=1")
    return found[0]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_stands(visit: Visit, axe: str, pictures: Path, name: str) -> None:
    """Without trouble, and with a way to copy every question that it shows an answer of."""
    visit.open(VIEWS[name]).in_both_schemes(pictures, name, axe)
    paths = {urlsplit(request.url).path for request in visit.requests}
    asked = {path for path in paths if path.startswith(("/api/", "/health", "/metrics"))}
    copied = {urlsplit(url).path for url in visit.questions()}
    assert asked - FOR_CHOICES <= copied


@pytest.mark.parametrize("tab", ["waterfall", "flame", "table", "logs"])
def test_a_trace_stands(visit: Visit, axe: str, pictures: Path, tab: str) -> None:
    trace = declined(visit.daemon)
    whole = visit.daemon.ask(f"/api/traces/{trace['trace_id']}")
    failed = next(span for span in whole["spans"] if span["status"]["code"] == "error")
    visit.open(f"traces/{trace['trace_id']}?tab={tab}&span={failed['span_id']}")
    expect(visit.page.get_by_role("complementary")).to_contain_text("card declined")
    visit.in_both_schemes(pictures, f"trace-{tab}", axe)


def test_the_trace_of_an_agent_shows_what_its_calls_cost(visit: Visit, axe: str, pictures: Path) -> None:
    """The figure at the top is the sum over the trace's model calls that count."""
    most = visit.daemon.ask("/api/llm-calls?start=2000-01-01&agent=weather_agent&order=input_tokens&limit=50")
    call = next(one for one in most if one["span_id"] and one["counts_usage"])
    calls = visit.daemon.ask(f"/api/llm-calls?start=2000-01-01&trace_id={call['trace_id']}&limit=1000")
    tokens = sum(one["input_tokens"] or 0 for one in calls if one["counted"] and one["counts_usage"] and one["span_id"])
    visit.open(f"traces/{call['trace_id']}?span={call['span_id']}")
    expect(visit.page.locator("main .facts").first).to_contain_text(f"{tokens:,} tokens in")
    visit.in_both_schemes(pictures, "trace-of-an-agent", axe)


def test_the_overview_counts_what_the_api_counts(visit: Visit) -> None:
    visit.open("overview")
    asked = visit.daemon.ask("/api/latency?group_by=service")
    assert dict(zip(visit.cells("Services", "Service"), visit.cells("Services", "Spans"), strict=True)) == {
        one["group"]: f"{one['count']:,}" for one in asked
    }


def test_traces_are_found_by_everything(visit: Visit) -> None:
    """Service, status, attribute and text narrow the list to what the API finds, and stand in the address."""
    page = visit.open("traces?service=shop").page
    expect(visit.rows("Traces")).to_have_count(PURCHASES)
    page.get_by_label("Status", exact=True).select_option("error")
    expect(visit.rows("Traces")).to_have_count(PURCHASES // 3)
    page.keyboard.press("/")
    page.keyboard.type("order.id=order-3")
    page.keyboard.press("Enter")
    expect(visit.rows("Traces")).to_have_count(1)
    assert "attr.order.id=order-3" in page.url
    page.reload()
    expect(visit.rows("Traces")).to_have_count(1)
    page.get_by_label("Remove the filter on order.id").click()
    expect(visit.rows("Traces")).to_have_count(PURCHASES // 3)


def test_keys_lead_everywhere(visit: Visit) -> None:
    page = visit.open("overview").page
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("main h1")).to_have_text("Traces")
    expect(visit.rows("Traces").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text(second)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("LLM calls")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visit.troubles == []


def test_the_waterfall_is_walked_and_folded_with_keys(visit: Visit) -> None:
    page = visit.open(f"traces/{declined(visit.daemon)['trace_id']}").page
    rows = page.get_by_role("treeitem")
    expect(rows).to_have_count(2)
    rows.first.focus()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary").locator("h2")).to_have_text("pay")


def test_every_question_can_be_copied_as_curl(visit: Visit) -> None:
    page = visit.open("traces?service=shop").page
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    found = re.fullmatch(r"curl '(.+)'", copied)
    assert found
    path = found[1].removeprefix(visit.daemon.api_url)
    assert len(visit.daemon.ask(path)) == PURCHASES


def test_a_cell_of_the_heat_map_leads_to_the_spans_in_it(visit: Visit) -> None:
    page = visit.open("latency?service=bank").page
    cell = page.locator(".heat a").first
    expect(cell).to_be_visible()
    title = cell.locator("title").text_content() or ""
    number = re.search(r": (\d+) spans", title)
    assert number
    cell.dispatch_event("click")
    expect(visit.rows("Spans")).to_have_count(int(number[1]))


def test_metrics_are_charted_as_the_api_answers(visit: Visit) -> None:
    visit.open("metrics?name=shop.items.sold&aggregate=sum&group_by=kind")
    asked = visit.daemon.ask("/api/metrics/query?name=shop.items.sold&aggregate=sum&group_by=kind")
    assert sorted(visit.cells("Series", "Series")) == sorted(one["group"]["kind"] for one in asked) == ["book", "pen"]


def test_the_map_has_the_call_from_the_shop_to_the_bank(visit: Visit) -> None:
    visit.open("services")
    calls = zip(*(visit.cells("Calls between services", name) for name in ("From", "To", "Calls")), strict=True)
    assert ("shop", "bank", str(PURCHASES)) in list(calls)


def test_the_first_trace_comes_by_itself(built: Path, start_daemon: StartDaemon, chromium: Browser) -> None:
    """The page first says how to send, then shows the first trace by itself."""
    assert built.is_dir()
    fresh = start_daemon()
    with Visit(chromium, fresh) as watching:
        page = watching.open("overview").page
        expect(page.locator("main h1")).to_have_text("Nothing has come in yet")
        expect(page.locator("pre")).to_contain_text(fresh.api_url)
        page.get_by_role("button", name="Claude Code").click()
        expect(page.locator("pre")).to_contain_text("CLAUDE_CODE_ENABLE_TELEMETRY=1")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        sell(fresh)
        expect(page.locator("main h1")).to_have_text("Overview")
        expect(watching.rows("Services")).to_have_count(2)
        assert watching.troubles == []


def test_refusals_are_said_in_words(visit: Visit) -> None:
    page = visit.open("traces?min_duration_ms=long").page
    notice = page.locator(".notice.bad").first
    expect(notice).to_contain_text("min_duration_ms='long'")
    expect(notice.get_by_role("button", name="Ask again")).to_be_visible()


def test_a_key_is_asked_for_kept_in_the_tab_and_never_in_an_address(chromium: Browser, start_daemon: StartDaemon) -> None:
    secret = "correct-horse-battery-staple-0123456789"
    daemon = start_daemon(environment={"OTLPD_API_KEYS": f"query:{secret}"})
    with Visit(chromium, daemon) as visit:
        page = visit.page
        page.goto(f"{daemon.api_url}/#/status")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("API key")
        dialog.get_by_label("API key").fill("wrong-" + secret)
        dialog.get_by_role("button", name="Use this key").click()
        expect(dialog).to_contain_text("not known")
        dialog.get_by_label("API key").fill(secret)
        dialog.get_by_role("button", name="Use this key").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_text("Ready")).to_be_visible()
        page.reload()
        expect(page.get_by_role("region", name="What was received")).to_be_visible()
        assert all(secret not in request.url for request in visit.requests)
        assert page.evaluate("localStorage.length") == 0
