"""What makes the page good to use: lists keep their place, long questions can be called off, and every fault says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import StartDaemon

pytestmark = pytest.mark.timeout(400)

SLOW_LINE = {"offline": False, "latency": 30_000, "downloadThroughput": -1, "uploadThroughput": -1}
FAST_LINE = {**SLOW_LINE, "latency": 0}


def test_a_list_is_found_again_where_it_was_left(visit: Visit) -> None:
    """Unfolded further and scrolled down, also after a look at one of its traces."""
    page = visit.open("traces?start=all").page
    expect(visit.rows("Traces")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(visit.rows("Traces")).to_have_count(200)
    main = page.locator("main")
    main.evaluate("(main) => { main.scrollTop = 3000; }")
    title = visit.rows("Traces").nth(110).locator("a[data-row]")
    title.click()
    expect(page.get_by_role("treeitem").first).to_be_visible()
    left = main.evaluate("(main) => main.scrollTop")
    assert left == 0
    page.go_back()
    expect(visit.rows("Traces")).to_have_count(200)
    expect(title).to_be_in_viewport()
    visit.check()


def test_a_long_question_can_be_called_off_and_asked_again(visit: Visit) -> None:
    """Over a line that takes half a minute."""
    page = visit.open("traces?service=shop").page
    line = visit.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW_LINE)
    page.evaluate("location.hash = '#/traces?start=all'")
    waiting = page.locator("main .waiting").first
    expect(waiting).to_contain_text("Asking")
    waiting.get_by_role("button", name="Cancel").click()
    expect(page.locator("main .notice").first).to_contain_text("Cancelled")
    line.send("Network.emulateNetworkConditions", FAST_LINE)
    page.get_by_role("button", name="Ask again").first.click()
    expect(visit.rows("Traces").first).to_be_visible()


def test_a_daemon_that_is_gone_is_said_so_beside_what_was_seen(built: Path, chromium: Browser, start_daemon: StartDaemon) -> None:
    assert built.is_dir()
    daemon = start_daemon()
    with Visit(chromium, daemon) as visit:
        page = visit.open("status").page
        expect(page.get_by_text("Ready")).to_be_visible()
        daemon.stop()
        notice = page.locator("main .notice.bad").first
        expect(notice).to_contain_text("otlpd cannot be reached")
        expect(notice).to_contain_text("Is it still running?")
        expect(notice.get_by_role("button", name="Ask again")).to_be_visible()
        expect(page.get_by_role("region", name="What was received")).to_be_visible()


def test_an_address_of_nothing_says_where_to_go(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.daemon.api_url}/#/no-such-view")
    expect(page.locator("main")).to_contain_text("There is no such view")
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.locator("main h1")).to_have_text("Overview")


def test_the_keys_of_all_views_are_listed_and_work(visit: Visit) -> None:
    """Every view of the navigation has its letter in the list of keys, and the letter leads there."""
    page = visit.open("status").page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    letters = {}
    for row in dialog.locator("dl.keys > div").all():
        keys, name = row.locator("kbd").all_inner_texts(), row.locator("dd").inner_text()
        if keys[0] == "g":
            letters[name] = keys[1]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert set(letters) == set(page.locator("nav ul a").all_inner_texts())
    assert len(set(letters.values())) == len(letters)
    for name, letter in letters.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page.locator("nav a[aria-current=page]")).to_have_text(name)
    visit.settle()
    assert visit.troubles == []
