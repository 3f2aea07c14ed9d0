"""Proves, for each call that the writer makes of SQLite, that its failing costs nothing that was acknowledged.

The same story is told again and again, and each time a later call fails: busy, full, failing disk, interrupted; once or from
then on. Each time: acknowledged ⊆ stored; a refusal is one that its sender can act on; after the fault is gone the same
requests, sent again, leave exactly the store that a story without faults leaves; the thread lives; everything adds up.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.batch import Written
from storage.errors import StoreError, StoreUnwritable, TemporaryError
from storage.sqlite.upkeep.retention import Retention, RetentionSettings
from tests.faults.plan import KINDS, Fault, Sender, sender
from tests.faults.recount import faults_of, told
from tests.faults.telemetry import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    Log,
    Point,
    Span,
    logs_batch,
    metrics_batch,
    span_id,
    spans_batch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Batch

PENDING = Span(1, 2, parent=1, service="db", ended=False)
STORY = [
    spans_batch([Span(1, 1, name="GET /", duration=3 * SECOND), PENDING]),
    logs_batch([Log("hello a", 1, uid="a"), Log("hello b", 2, event="happened")]),
    spans_batch([PENDING.but(ended=True, failed=True, attributes={"rows": 3}), Span(1, 3, parent=1), Span(2, 4, start=HOUR)]),
    metrics_batch([Point(time=1), Point(value=3.0, time=1), Point("free", time=2, attributes={"disk": "a"})]),
    logs_batch([Log("hello a", 1, uid="a"), Log("hello c", 3)]),
]
ONE_BY_ONE = [[batch] for batch in STORY]
TOGETHER = [STORY[:2], STORY[2:]]
EVERY_CALL = 400


def identities(batch: Batch) -> set[tuple[str, object]]:
    match batch.signal:
        case "traces":
            return {("span", row[4]) for row in batch.rows}
        case "logs":
            return {("log", row[7]) for row in batch.rows}
    return {("point", row[1]) for row in batch.rows}


def stored(path: Path) -> set[tuple[str, object]]:
    kept = told(path)
    spans = {("span", row[1]) for row in kept["spans"]}
    return spans | {("log", row[1]) for row in kept["logs"]} | {("point", row[1]) for row in kept["points"]}


@pytest.fixture(scope="session")
def without_faults(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    path = Path(shutil.copy(empty, tmp_path_factory.mktemp("reference")))
    with sender(path) as one:
        for group in ONE_BY_ONE:
            assert isinstance(one.send_all(group)[0], Written)
    assert faults_of(path, exact_extremes=False) == []
    kept = told(path)
    assert [row[1] for row in kept["spans"]] == [span_id(number) for number in (1, 2, 3, 4)]
    return kept


def tell(one: Sender, groups: Sequence[Sequence[Batch]]) -> tuple[list[Batch], list[Batch]]:
    """(acknowledged, refused), after each group a look at what maintenance does to it."""
    acknowledged: list[Batch] = []
    refused: list[Batch] = []
    for group in groups:
        for batch, answer in zip(group, one.send_all(group), strict=True):
            (acknowledged if isinstance(answer, Written) else refused).append(batch)
            check_refusal(answer)
        one.writer.seal_tails(NOW + DAY)
    return acknowledged, refused


def check_refusal(answer: Written | StoreError) -> None:
    """Busy, full and interrupted pass: the sender is told to come again. A failing disk does not: it is told so."""
    if isinstance(answer, StoreError):
        assert isinstance(answer, StoreUnwritable if "ioerr" in str(answer) else TemporaryError), repr(answer)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("groups", [ONE_BY_ONE, TOGETHER], ids=["one by one", "in groups"])
def test_every_nth_call_fails(
    empty: Path, tmp_path: Path, without_faults: object, groups: Sequence[Sequence[Batch]], *, lasting: bool
) -> None:
    kinds = list(KINDS)
    for nth in range(1, EVERY_CALL):
        fault = Fault(kinds[nth % len(kinds)], nth, lasting)
        if not story_with(empty, tmp_path / f"{nth}.db", fault, groups, without_faults):
            assert nth > 40, "the story makes too few calls to prove anything"
            return
    pytest.fail("the story makes more calls than were tried")


@pytest.mark.parametrize("kind", KINDS)
def test_commit_that_is_done_and_still_fails(empty: Path, tmp_path: Path, without_faults: object, kind: str) -> None:
    """The sender is refused, what it sent is stored; sent again it is not doubled."""
    for nth in range(1, 50):
        fault = Fault(kind, nth, too_late=True, only="commit")
        if not story_with(empty, tmp_path / f"{kind}{nth}.db", fault, ONE_BY_ONE, without_faults):
            assert nth > 5
            return
    pytest.fail("the story makes more commits than were tried")


def story_with(empty: Path, path: Path, fault: Fault, groups: Sequence[Sequence[Batch]], without_faults: object) -> bool:
    """Whether the fault struck."""
    shutil.copy(empty, path)
    with sender(path, fault) as one:
        fault.armed = True
        acknowledged, refused = tell(one, groups)
        assert set().union(*map(identities, acknowledged)) <= stored(path), fault
        fault.armed = False
        answers = [one.send(batch) for batch in refused]
        assert all(isinstance(answer, Written) for answer in answers), (fault, answers)
        assert one.probe() is None
    assert told(path) == without_faults, fault
    assert faults_of(path, exact_extremes=False) == [], fault
    path.unlink()
    return fault.struck


@pytest.fixture(scope="session")
def old_store(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A block of each kind that is too old, with a trace that reaches into what stays."""
    path = Path(shutil.copy(empty, tmp_path_factory.mktemp("old")))
    with sender(path) as one:
        numbers = range(1, 1101)
        one.send(spans_batch([Span(number // 300, number) for number in numbers], NOW - 20 * DAY))
        one.send(logs_batch([Log(f"hello {number}", number) for number in numbers], NOW - 20 * DAY))
        one.send(metrics_batch([Point(time=-20 * DAY), Point(time=-DAY)]))
        one.send(spans_batch([Span(100, 9001, service="late")], NOW))
    assert faults_of(path) == []
    return path


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_calls_of_retention_fail(old_store: Path, tmp_path: Path, *, lasting: bool) -> None:
    """What it leaves adds up, and the next round finishes the work. Every ninth call, or it would take minutes."""
    kinds = list(KINDS)
    for nth in range(2 if lasting else 1, EVERY_CALL, 9):
        fault = Fault(kinds[nth % len(kinds)], nth, lasting)
        path = Path(shutil.copy(old_store, tmp_path / f"{nth}.db"))
        with sender(path, fault) as one:
            fault.armed = True
            round_of_retention(one)
            fault.armed = False
            assert one.probe() is None
            assert faults_of(path, expired=True) == [], fault
            round_of_retention(one)
            assert isinstance(one.send(spans_batch([Span(9, 9999)], NOW)), Written)
        assert faults_of(path, expired=True) == [], fault
        kept = told(path)
        assert (len(kept["spans"]), len(kept["logs"]), len(kept["points"])) == (1100 + 2 - 1024, 1100 - 1024, 1), fault
        path.unlink()
        if not fault.struck:
            assert nth > 30, "retention makes too few calls to prove anything"
            return
    pytest.fail("retention makes more calls than were tried")


def round_of_retention(one: Sender) -> None:
    one.writer.add_slice(Retention(RetentionSettings(max_age_days=10.0)).work(NOW))
    for _ in range(1000):
        one.probe()
        if one.writer.idle:
            return
    pytest.fail("retention does not end")
