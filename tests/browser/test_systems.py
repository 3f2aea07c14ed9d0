"""The views of machines, jobs, users and what is unusual say what the API says, and lead to what is behind it."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.story import JOB_RUNS, MINUTE, sell
from tests.browser.visit import Visit
from tests.running import request

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import StartDaemon

pytestmark = pytest.mark.timeout(400)


def test_hosts_show_what_they_do_now(visit: Visit, axe: str, pictures: Path) -> None:
    """This machine, by its own scraper; a host that only spans name; a computer among the devices."""
    name = socket.gethostname()
    visit.open("hosts")
    hosts = visit.cells("Hosts", "Host")
    assert {name, "till-3", "laptop-7"} <= set(hosts)
    memory = dict(zip(hosts, visit.cells("Hosts", "Memory"), strict=True))
    asked = visit.daemon.ask(
        "/api/metrics/query?name=system.memory.utilization&aggregate=last&start=-1h&group_by=host.name,system.memory.state"
    )
    used = {"host.name": name, "system.memory.state": "used"}
    shares = [point["value"] for one in asked if one["group"] == used for point in one["points"]]
    assert memory[name].strip().endswith("%")
    assert abs(float(memory[name].split("%")[0]) - shares[-1] * 100) < 5  # the page shows the mean of the last minute
    assert not re.search(r"\d", memory["till-3"])
    visit.rows("Hosts").filter(has_text=name).first.locator("a[data-row]").click()
    expect(visit.page.locator("main h1")).to_contain_text(name)
    for title in ("Processors by mode", "Memory by state", "Network traffic"):
        expect(visit.page.get_by_role("heading", name=title)).to_be_visible()
    expect(visit.rows("Largest processes")).not_to_have_count(0)
    visit.settle().in_both_schemes(pictures, "host", axe)


def test_devices_show_their_readings_and_lead_to_them(visit: Visit) -> None:
    visit.open("hosts")
    readings = list(zip(*(visit.cells("Devices", name) for name in ("Device", "What", "Least", "Greatest")), strict=True))
    assert [reading[:2] for reading in readings] == [
        ("laptop-7", "cpu_usage"),
        ("greenhouse", "humidity"),
        ("greenhouse", "temperature"),
    ]
    assert all(60 <= float(least) <= float(most) <= 64 for _, what, least, most in readings if what == "humidity")
    visit.rows("Devices").filter(has_text="humidity").locator("a[data-row]").click()
    expect(visit.page.get_by_role("heading", name="temperature")).to_be_visible()
    visit.settle().check()


def test_jobs_are_told_run_by_run_and_lead_to_their_trace(visit: Visit) -> None:
    runs = sorted(visit.daemon.ask("/api/v1/runs?limit=100"), key=lambda run: str(run["start_time"]), reverse=True)
    visit.open("jobs")
    expect(visit.rows("Runs of jobs")).to_have_count(JOB_RUNS)
    assert visit.cells("Runs of jobs", "Job") == [run["job_type"] for run in runs]
    failed = [run for run in runs if run["status"] == "failure"]
    visit.page.get_by_label("Status").select_option("failure")
    expect(visit.rows("Runs of jobs")).to_have_count(len(failed))
    assert sum(int(text) for text in visit.cells("Jobs", "Runs")) == len(failed)
    visit.rows("Runs of jobs").first.locator("a[data-row]").click()
    expect(visit.page.get_by_role("alert")).to_contain_text(failed[0]["error_summary"])
    visit.page.get_by_role("link", name="Its trace").click()
    expect(visit.page.get_by_role("complementary")).to_contain_text(failed[0]["event_id"])
    visit.settle().check()


def test_users_stand_in_the_order_of_their_cost(visit: Visit) -> None:
    users = visit.daemon.ask("/api/users?limit=1000")
    visit.open("users?start=all")
    assert visit.cells("Users", "User") == [user["user"] for user in users]
    visit.rows("Users").first.locator("a[data-row]").click()
    expect(visit.rows("Sessions")).to_have_count(users[0]["sessions"])
    visit.settle().check()


def test_what_left_its_course_is_told_with_its_series(visit: Visit) -> None:
    """The sweeper's slow minute, and the way to its spans."""
    visit.open("anomalies?start=-1h&measure=latency")
    told = list(zip(*(visit.cells("Anomalies", name) for name in ("Of", "Measure", "Usually")), strict=True))
    [usual] = [usually for of, measure, usually in told if (of, measure) == ("sweep", "Latency")]
    assert 8 < float(usual.removesuffix(" ms")) < 14
    visit.rows("Anomalies").filter(has_text="sweep").locator("a[data-row]").click()
    expect(visit.page.get_by_role("heading", name="Latency of sweep")).to_be_visible()
    expect(visit.page.get_by_role("img", name=re.compile("latency of sweep"))).to_be_visible()
    visit.page.get_by_role("link", name="Look into it").click()
    expect(visit.page.locator("main h1")).to_have_text("Latency")
    expect(visit.page.get_by_role("region", name="Latency by operation")).to_contain_text("sweep")
    visit.settle().check()


def test_two_models_stand_side_by_side(visit: Visit) -> None:
    first, second = "gpt-4o", "o4-mini"
    visit.open(f"comparison?by=model&start=all&a={first}&b={second}")
    figures = visit.cells("Figures of both", "Figure")
    for model in (first, second):
        [usage] = visit.daemon.ask(f"/api/usage?model={quote(model)}")
        shown = dict(zip(figures, visit.cells("Figures of both", model), strict=True))
        assert shown["LLM calls"] == f"{usage['llm_calls']:,}"
    visit.page.get_by_label("Second", exact=True).select_option("gpt-4o-mini")
    expect(visit.page.get_by_role("columnheader", name="gpt-4o-mini")).to_be_visible()
    visit.settle().check()


def test_an_open_session_goes_on_by_itself(chromium: Browser, start_daemon: StartDaemon) -> None:
    """A session that is looked at grows as its agent goes on, without a reload."""
    daemon = start_daemon()
    say(daemon.api_url, "What is the weather?", 1)
    with Visit(chromium, daemon) as visit:
        visit.page.goto(f"{daemon.api_url}/#/sessions/chat-1")
        steps = visit.page.locator("ol.talk > li")
        expect(steps.filter(has_text="What is the weather?")).not_to_have_count(0)
        expect(steps.filter(has_text="And tomorrow?")).to_have_count(0)
        say(daemon.api_url, "And tomorrow?", 2)
        expect(steps.filter(has_text="And tomorrow?")).not_to_have_count(0)


def say(url: str, text: str, number: int) -> None:
    """A model call of the session chat-1, with what was asked."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.conversation.id": "chat-1",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]),
    }
    start = time.time_ns() - MINUTE + number
    span = {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat gpt-4o", "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 1000),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = request("POST", f"{url}/v1/traces", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert answer.status == 200


def test_forwarding_is_shown_with_what_waits(chromium: Browser, start_daemon: StartDaemon, tmp_path: Path) -> None:
    """One receiver that takes everything, seen from the daemon that forwards to it."""
    upstream = start_daemon(database=tmp_path / "upstream.db")
    daemon = start_daemon("--forward", upstream.http_url, database=tmp_path / "forwarding.db")
    sell(daemon)
    with Visit(chromium, daemon) as visit:
        visit.open("status")
        table = visit.page.locator("section.panel", has_text="Forwarding")
        expect(table).to_contain_text(upstream.http_url)
        expect(table).to_contain_text("all is sent")
        [exporter] = daemon.ask("/api/exporters")
        assert sum(queue["sent"] for queue in exporter["queues"].values()) > 0
        shown = zip(*(visit.cells(f"Progress of {exporter['name']}", column) for column in ("What", "Sent")), strict=True)
        assert dict(shown) == {name: f"{queue['sent']:,}" for name, queue in exporter["queues"].items()}
        visit.check()
