"""What `/` answers: the page for browsers, JSON for programs, under a policy that lets the page ask this server only; and that
the page stays small and fits the API."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from otlpd import __version__
from query.openapi import document
from query.routes import ROUTES
from tests.browser.conftest import DASHBOARD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.running import Daemon

MOST_FIRST_BYTES = 300_000
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip"}

pytestmark = pytest.mark.timeout(400)


def test_programs_get_json_with_the_links(told: Daemon) -> None:
    answer = told.get("/")
    assert answer.headers["Content-Type"] == "application/json"
    front = answer.json()
    assert (front["name"], front["version"], front["page"]) == ("otlpd", __version__, None)
    for link in front["links"].values():
        assert told.get(link).status == 200, link


def test_browsers_get_the_page_under_a_strict_policy(told: Daemon) -> None:
    answer = told.get("/", HTML)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    html = gzip.decompress(answer.body).decode()
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]* src=)", html)


def test_the_first_paint_is_small(told: Daemon) -> None:
    """The page, and everything that it names, as they travel."""
    first = told.get("/", HTML)
    paths = re.findall(r'(?:src|href)="(/page/[^"]+)"', gzip.decompress(first.body).decode())
    assert any(path.endswith(".js") for path in paths)
    answers = [told.get(path, {"Accept-Encoding": "gzip"}) for path in paths]
    for path, answer in zip(paths, answers, strict=True):
        assert answer.status == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
    assert len(first.body) + sum(len(answer.body) for answer in answers) <= MOST_FIRST_BYTES


def test_a_file_that_is_not_there_is_not_found(told: Daemon) -> None:
    assert told.get("/page/other.js").status == 404
    assert told.get("/page/..%2fapi.py").status == 404


def test_the_page_fits_the_api(npm: str, tmp_path: Path) -> None:
    """Types made anew from the table of routes: an answer of another shape would not pass the compiler."""
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(document(ROUTES, __version__)), encoding="utf-8")
    types = DASHBOARD / "src" / "api" / "schema.d.ts"
    made = [npm, "exec", "--offline", "--", "openapi-typescript", str(description), "--output", str(types)]
    subprocess.run(made, cwd=DASHBOARD, check=True, timeout=120, capture_output=True)
    compiled = subprocess.run([npm, "run", "check"], cwd=DASHBOARD, check=False, timeout=200, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stdout
