"""Every promise of the five systems that otlpd stands in for has an answer in docs/seed-systems.md, and the answer is there.

An answer names a test (file, and function where one is named), a document or a file of the repository, or begins with the reason
why the promise does not apply, or with what is open. The document's first line counts them.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "seed-systems.md"
# How many promises each system makes; they are numbered from 1.
PROMISES = {"S0": 74, "S1": 222, "S2": 38, "S3": 120, "S4": 214}
IDS = [f"{system}-{number}" for system, count in PROMISES.items() for number in range(1, count + 1)]
ROW = re.compile(r"^\| (S\d-\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
FILES = re.compile(
    r"(?:[\w.-]+/)*[\w.-]+\.(?:md|py|toml|txt|yaml|conf|sh|ps1|bat|service|timer|example)|Makefile|Dockerfile|(?:tests|docs|storage|query|receiver|proto_fixtures|deploy)/[\w./-]+"
)
NOT_APPLYING = ("Does not apply", "Folders of the original", "Libraries of the original")
IN_PART = ("Differs", "Kept in part")
OPEN = ("Open: ",)
REASONS = (*NOT_APPLYING, *IN_PART, *OPEN, "Replaced by")
FIRST_LINE = re.compile(
    r"^668 promises: (\d+) kept, (\d+) kept in part or differently, (\d+) that do not apply, (\d+) open\.$", re.MULTILINE
)
LEAST_REASON = 40

ANSWERS = {key: answer for key, _, answer in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def named_in(answer: str) -> list[tuple[str, str]]:
    """(file, function or "") of everything in the answer that is a path of the repository."""
    found = []
    for text in NAMED.findall(answer):
        path, _, function = text.partition("::")
        if FILES.fullmatch(path):
            found.append((path, function))
    return found


def test_no_row_is_missing_and_none_is_too_many() -> None:
    assert sorted(ANSWERS) == sorted(IDS)
    assert len(IDS) == 668


@pytest.mark.parametrize("system", PROMISES)
def test_every_promise_has_an_answer(system: str) -> None:
    empty = [key for key in IDS if key.startswith(f"{system}-") and not is_answer(ANSWERS.get(key, ""))]
    assert empty == []


def is_answer(answer: str) -> bool:
    """Words without a test, a document or a reason are none."""
    named = [path for path, _ in named_in(answer)]
    return bool(named) or answer.startswith(REASONS) or "The folder `" in answer or "`otlpd " in answer


@pytest.mark.parametrize("system", PROMISES)
def test_what_an_answer_names_is_there(system: str) -> None:
    missing = []
    for key, answer in ANSWERS.items():
        if not key.startswith(f"{system}-"):
            continue
        for path, function in named_in(answer):
            if path == ".env.example":
                assert (ROOT / path).exists()
            elif not (ROOT / path).exists():
                missing.append(f"{key}: {path}")
            elif function and function not in functions_of(path):
                missing.append(f"{key}: {path}::{function}")
    assert missing == []


def test_the_first_line_counts_them() -> None:
    """What is missing is said before everything else, and cannot be forgotten there."""
    in_part, not_applying, missing = (
        sum(answer.startswith(words) for answer in ANSWERS.values()) for words in (IN_PART, NOT_APPLYING, OPEN)
    )
    counted = FIRST_LINE.search(DOCUMENT.read_text(encoding="utf-8"))
    assert counted is not None
    kept = len(IDS) - in_part - not_applying - missing
    assert [int(number) for number in counted.groups()] == [kept, in_part, not_applying, missing]


def test_a_reason_says_something() -> None:
    """Beyond its first words."""
    assert [key for key, answer in ANSWERS.items() if answer.startswith(REASONS) and len(answer) < LEAST_REASON] == []


@pytest.mark.parametrize("answer", ["", "yes", "see elsewhere", "`nothing`"])
def test_words_alone_are_no_answer(answer: str) -> None:
    assert not is_answer(answer)
