"""A visit to the page in a real browser, which minds everything that must not happen.

Errors in the console, exceptions, requests to anywhere but the daemon, and refused requests are gathered; `check` fails on any
of them, and on what axe finds to be of weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from playwright.sync_api import expect

from benchmarks.browser import TWO_FRAMES, Rest

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Request, Response

    from tests.running import Daemon

WAIT_MS = 15_000
Scheme = Literal["light", "dark"]
# Rows beyond these are made as these are; axe takes two seconds for a hundred of them.
MORE_OF_THE_SAME = (
    "main tbody tr:nth-child(n+9)", "main .log:nth-child(n+9)", "main .talk > li:nth-child(n+17)", ".heat a:nth-of-type(n+9)",
)  # fmt: skip
AXE = "async ([exclude, options]) => (await axe.run({exclude}, options)).violations"


class Visit:
    """One tab. Leaving the `with` block closes it."""

    def __init__(self, browser: Browser, daemon: Daemon) -> None:
        self.daemon = daemon
        self.troubles: list[str] = []
        self.requests: list[Request] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme="light")
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=daemon.api_url)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        self.page.on("request", self._see)
        self.page.on("response", self._judge)
        self._rest = Rest(self.page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"console {message.type}: {message.text} {message.location}")

    def _see(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith((self.daemon.api_url, "blob:", "data:")):
            self.troubles.append(f"outside request: {request.url}")

    def _judge(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")

    def open(self, view: str) -> Self:
        """Goes to the address of a view, as somebody does who was sent the link, and waits until it stands."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.daemon.api_url}/#/{view}")
        return self.settle()

    def settle(self) -> Self:
        """Until the view has a title, and nothing is asked for any more that it shows."""
        self._rest.wait()
        return self

    def rows(self, label: str) -> Locator:
        """The rows of a table, by what a screen reader calls it."""
        return self.page.get_by_role("region", name=label, exact=True).locator("tbody tr")

    def cells(self, label: str, column: str) -> list[str]:
        """The texts of one column of a table, by its heading."""
        table = self.page.get_by_role("region", name=label, exact=True)
        expect(table.locator("tbody tr").first).to_be_visible()
        headings = [text.strip(" ↓↑") for text in table.locator("thead th").all_inner_texts()]
        place = headings.index(column) + 1
        return table.locator(f"tbody tr td:nth-child({place})").all_inner_texts()

    def questions(self) -> list[str]:
        """The addresses behind "Copy as curl"."""
        titles = self.page.get_by_role("button", name="Copy as curl").evaluate_all("(all) => all.map((one) => one.title)")
        return [title.removeprefix("GET ") for title in titles]

    def notices(self) -> list[str]:
        """What the API refused, as the view says it; a failed span or job says what failed, which is no refusal."""
        return self.page.locator("main .notice.bad", has_text="Ask again").all_inner_texts()

    def check(self, axe: str = "", rules: tuple[str, ...] = ()) -> None:
        """That nothing happened that must not; with `axe`, also that it finds nothing."""
        assert self.troubles == []
        assert self.notices() == []
        if axe:
            assert self.violations(axe, rules) == []

    def violations(self, axe: str, rules: tuple[str, ...] = ()) -> list[str]:
        """What axe calls serious or critical: rule, and the first place. Only these rules, or all."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(axe)
        options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found: list[dict[str, Any]] = self.page.evaluate(AXE, [[[one] for one in MORE_OF_THE_SAME], options])
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')[:300]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]

    def in_both_schemes(self, folder: Path, name: str, axe: str) -> None:
        """A picture in light and in dark, and what axe finds in both: in dark only the colours can differ."""
        schemes: tuple[Scheme, ...] = ("light", "dark")
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate(TWO_FRAMES)
            self.page.screenshot(path=folder / f"{name}-{scheme}.png")
        self.check(axe, ("color-contrast",))
        self.page.emulate_media(color_scheme="light")
        self.check(axe)
