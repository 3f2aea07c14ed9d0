"""Faults of the database by plan: the first, second, … Nth call of the writing connection fails, once or from then on."""

from __future__ import annotations

import queue
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from storage.sqlite.connect import connect_writer
from storage.sqlite.writing.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from storage.batch import Batch, Written
    from storage.contract import Committed
    from storage.errors import StoreError

WAIT_SECONDS = 10.0
KINDS = {
    "busy": sqlite3.SQLITE_BUSY,
    "full": sqlite3.SQLITE_FULL,
    "ioerr": sqlite3.SQLITE_IOERR_WRITE,
    "interrupt": sqlite3.SQLITE_INTERRUPT,
}
# SQLite ends the transaction by itself on these.
ENDS_TRANSACTION = {"full", "ioerr", "interrupt"}


@dataclass(slots=True)
class Fault:
    """Call number `nth` fails (from 1); `lasting` ones fail all that come after. `too_late` fails after the call was done."""

    kind: str
    nth: int
    lasting: bool = False
    too_late: bool = False
    only: str = ""
    calls: int = 0
    struck: bool = False
    armed: bool = False

    def strikes(self, text: str) -> bool:
        if not self.armed or not text.startswith(self.only):
            return False
        self.calls += 1
        hit = self.calls == self.nth or (self.lasting and self.calls > self.nth)
        self.struck = self.struck or hit
        return hit

    def error(self) -> sqlite3.OperationalError:
        error = sqlite3.OperationalError(f"{self.kind}, by plan")
        error.sqlite_errorcode = KINDS[self.kind]
        return error


class FaultyConnection:
    """A connection of SQLite that fails as its plan says; all else is the real one's."""

    def __init__(self, real: sqlite3.Connection, fault: Fault) -> None:
        self._real = real
        self._fault = fault

    def execute(self, text: str, parameters: Any = ()) -> sqlite3.Cursor:
        if not self._fault.strikes(text):
            return self._real.execute(text, parameters)
        if self._fault.too_late:
            self._real.execute(text, parameters)
        elif self._fault.kind in ENDS_TRANSACTION and self._real.in_transaction:
            self._real.rollback()
        raise self._fault.error()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Sender:
    """Gives batches to a writer and waits for the answers, as receivers do for their senders."""

    def __init__(self, writer: Writer, answers: queue.Queue[tuple[Any, Any]]) -> None:
        self.writer = writer
        self._answers = answers

    def send(self, batch: Batch) -> Written | StoreError:
        return self.send_all([batch])[0]

    def send_all(self, batches: Sequence[Batch]) -> list[Written | StoreError]:
        for place, batch in enumerate(batches):
            self.writer.submit(batch, place)
        found = dict(self._answers.get(timeout=WAIT_SECONDS) for _ in batches)
        assert self._answers.empty(), "somebody was answered twice"
        return [found[place] for place in range(len(batches))]

    def probe(self) -> StoreError | None:
        """Also waits until maintenance that was queued before has had its turn."""
        answers: queue.Queue[StoreError | None] = queue.Queue()
        self.writer.probe(answers.put)
        return answers.get(timeout=WAIT_SECONDS)


@contextmanager
def sender(
    path: Path, fault: Fault | None = None, committed: Callable[[Sequence[Committed]], None] = lambda _: None, **settings: Any
) -> Iterator[Sender]:
    """A writer before the file; at the end it must have stopped."""
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()

    def connect() -> sqlite3.Connection:
        real = connect_writer(path)
        return real if fault is None else cast("sqlite3.Connection", FaultyConnection(real, fault))

    def answered(all_of_them: Any) -> None:
        for one in all_of_them:
            answers.put(one)

    writer = Writer(connect, answered, committed, **settings)
    writer.start()
    try:
        yield Sender(writer, answers)
    finally:
        assert writer.stop(WAIT_SECONDS), "the writer did not stop"
