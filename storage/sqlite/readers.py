"""Threads that answer questions, each with a read-only connection of its own, so that asking never keeps a writer waiting.

A question sees one snapshot of the store, ends at its deadline, and is stopped when nobody waits for its answer any more.
The number that may wait is bounded: one more is refused as StoreBusy.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from storage.errors import StoreBusy, StoreClosed
from storage.sqlite.connect import Reader, connect_reader
from storage.sqlite.faults import refusal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

Answer = TypeVar("Answer")
THREADS = 4
MOST_WAITING = 256


class _Question:
    """Ties the waiting caller to the connection that works for it, so that giving up reaches the right one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self.cancelled = False

    def start(self, reader: Reader, deadline: float) -> bool:
        with self._lock:
            if not self.cancelled:
                reader.begin(deadline)
                self._reader = reader
            return not self.cancelled

    def end(self) -> None:
        with self._lock:
            if self._reader is not None:
                self._reader.end()
            self._reader = None

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            if self._reader is not None:
                self._reader.cancel()


class ReadPool:
    """Connections open with the first questions and stay open; `close` waits for the questions under way."""

    def __init__(self, path: str | os.PathLike[str], threads: int = THREADS, most_waiting: int = MOST_WAITING) -> None:
        self._path = path
        self._most_waiting = threads + most_waiting
        self._pending = 0
        self._closed = False
        self._idle: queue.LifoQueue[Reader] = queue.LifoQueue()
        self._running: set[_Question] = set()
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="reader")

    async def run(self, function: Callable[[Reader], Answer], deadline: float) -> Answer:
        """Answers `function` of a connection; `deadline` is in seconds from now, the wait for a thread included."""
        if self._closed:
            raise StoreClosed("the store is closing")
        if self._pending >= self._most_waiting:
            raise StoreBusy(f"{self._pending} questions are waiting already; ask again in a second")
        question = _Question()
        self._pending += 1
        self._running.add(question)
        until = time.monotonic() + deadline
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question, function, until)
        work.add_done_callback(lambda _: self._done(question))
        try:
            return await work
        except asyncio.CancelledError:
            question.cancel()
            raise

    async def close(self) -> None:
        """Stops the questions under way and closes the connections."""
        self._closed = True
        for question in list(self._running):
            question.cancel()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _done(self, question: _Question) -> None:
        self._pending -= 1
        self._running.discard(question)

    def _answer(self, question: _Question, function: Callable[[Reader], Answer], until: float) -> Answer:
        reader = self._take()
        try:
            if not question.start(reader, until):
                raise StoreClosed("the question was withdrawn")
            try:
                reader.check_time()
                return function(reader)
            finally:
                question.end()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise reader.timeout() from error
            raise refusal(error, self._path) from error
        finally:
            self._idle.put(reader)

    def _take(self) -> Reader:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return connect_reader(self._path)
