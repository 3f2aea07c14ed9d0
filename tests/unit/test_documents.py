"""Proves that the documents speak of what there is: every path and link in them exists, every dependency has its reason."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def identifier(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", [ROOT / "ARCHITECTURE.md", ROOT / "README.md"], ids=identifier)
def test_every_path_that_is_named_exists(document: Path) -> None:
    missing = [path for path in PATH.findall(document.read_text()) if not (ROOT / path).exists()]
    assert missing == []


def test_the_picture_names_what_exists() -> None:
    picture = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    named = re.findall(r"[a-z]+/[\w./]+", picture)
    assert len(named) >= 8
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=identifier)
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


def test_architecture_fits_on_a_page_or_two() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 120


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[<>=!~\[ ]", need)[0] for need in needed}
    explained = set(re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs/adr/0002-dependencies.md").read_text(), re.MULTILINE))
    assert explained == names


def test_every_dependency_is_pinned() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=!~\[ ]", need)[0].replace("_", "-").lower() for need in needed}
    pinned = {line.split("==")[0].replace("_", "-").lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert names - pinned == set()


def test_decisions_are_numbered_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == sorted(set(numbers))
    assert all(number.isdigit() for number in numbers)
