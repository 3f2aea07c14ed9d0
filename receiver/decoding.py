"""Decodes requests in processes of their own, so that the event loop and the writer keep their core.

Decoding is half of what a span costs (12 of 25 µs), all of it under the interpreter lock. A large request is handed over by
itself. Small ones are decoded in place while they come one by one, which costs less than handing them over; when several have
come at once they go together, and while those are away the next ones gather: no timer, and the larger the load the larger the
groups. Workers start with the first request that needs one, so an idle daemon has none.

A worker that dies is replaced, and its requests given to the new one; one that is stuck is made to die.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

from receiver.errors import Malformed, Overloaded, RefusedRequest, TooLarge
from receiver.frames import BATCH, TOO_LARGE, Request, read_answers, write_requests, write_settings
from receiver.ingest import decode_request
from storage.batch import Batch
from storage.rows import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from receiver.ingest import Encoding
    from storage.rows.settings import RowSettings

    Outcome = Batch | RefusedRequest
    _Group = list[tuple[Request, asyncio.Future[Batch]]]

logger = logging.getLogger(__name__)

LARGE_BYTES = 32 * 1024
# Up to so many small requests that came together are decoded in place.
FEW = 3
GROUP_REQUESTS = 64
GROUP_BYTES = 512 * 1024
PIPE_BYTES = 1024 * 1024
ATTEMPTS = 2
# A process that answers nothing for so long is stuck and ends; a body of 64 MiB takes 4 s, 10 s on a busy machine.
MOST_SECONDS = 60.0


class _Worker:
    """One decoding process, for one thread at a time."""

    def __init__(self, settings: RowSettings) -> None:
        self._settings: RowSettings | None = settings
        self._process = subprocess.Popen(
            [sys.executable, "-m", "receiver.decode_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=PIPE_BYTES,
        )
        self._requests, self._answers = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        self.busy_since = time.monotonic()

    def decode(self, requests: Sequence[Request]) -> list[Outcome]:
        self.busy_since = time.monotonic()
        if self._settings is not None:
            write_settings(self._requests, self._settings)
            self._settings = None
        write_requests(self._requests, requests)
        answers = read_answers(self._answers, len(requests))
        return [_outcome(request, kind, body) for request, (kind, body) in zip(requests, answers, strict=True)]

    def kill(self) -> None:
        """Whoever waits for its answer is told that the process is gone."""
        self._process.kill()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._requests.close()
        self._process.kill()
        self._process.wait()
        self._answers.close()


def _outcome(request: Request, kind: int, body: bytes) -> Outcome:
    if kind == BATCH:
        return Batch.load(body)
    text = body.decode()
    return TooLarge(text, len(request.body)) if kind == TOO_LARGE else Malformed(text)


class _Workers:
    """The processes, started when they are needed. Called from the decoder's threads, one worker a thread."""

    def __init__(self, settings: RowSettings) -> None:
        self._settings = settings
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._all: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._stopped = False

    def decode(self, requests: Sequence[Request]) -> list[Outcome]:
        for _ in range(ATTEMPTS):
            worker = self._take()
            try:
                outcomes = worker.decode(requests)
            except OSError as error:
                self._discard(worker)
                if self._stopped:
                    return [Overloaded("otlpd is stopping; send again")] * len(requests)
                logger.warning("a decoding process ended (%s); a new one starts", error)
            else:
                with self._lock:
                    self._busy.discard(worker)
                self._idle.put(worker)
                return outcomes
        # What ends a process twice must not be tried in the one that everything depends on.
        message = "the request ended the process that decoded it, twice: send fewer items at once"
        return [TooLarge(message, len(request.body)) for request in requests]

    def end_stuck(self, most_seconds: float) -> None:
        """Ends those that have kept a request for so long. For any thread."""
        latest = time.monotonic() - most_seconds
        with self._lock:
            stuck = [worker for worker in self._busy if worker.busy_since <= latest]
        for worker in stuck:
            logger.error("a decoding process has not answered for %.0f s and is ended", most_seconds)
            worker.kill()

    def stop(self) -> None:
        """Ends all of them, busy or not: nobody waits for their answers any more."""
        self._stopped = True
        with self._lock:
            for worker in self._all:
                worker.kill()

    def close(self) -> None:
        """After `stop`, and after the threads that used them have ended."""
        for worker in self._all:
            worker.stop()

    def _take(self) -> _Worker:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = _Worker(self._settings)
        with self._lock:
            if worker not in self._all:
                self._all.append(worker)
            self._busy.add(worker)
        return worker

    def _discard(self, worker: _Worker) -> None:
        with self._lock:
            self._all.remove(worker)
            self._busy.discard(worker)
        worker.stop()


class ProcessDecoder:
    """A Decoder (receiver.ingest) over `workers` processes; 0 decodes everything in place or in a thread.

    While `has_time_for_facts` says no, nothing looks for the facts of spans and log records here: the writer would owe them all
    the same, and finds them in the rows.
    """

    def __init__(
        self,
        workers: int,
        settings: RowSettings | None = None,
        has_time_for_facts: Callable[[], bool] = lambda: True,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._count = workers
        self._most_seconds = most_seconds
        self._away_now = 0
        self._watching: asyncio.TimerHandle | None = None
        self._kernel = Kernel(settings)
        self._has_time_for_facts = has_time_for_facts
        self._workers = _Workers(self._kernel.settings)
        self._threads = ThreadPoolExecutor(max(workers, 1), thread_name_prefix="decoder")
        self._small: deque[tuple[Request, asyncio.Future[Batch]]] = deque()
        self._groups_away = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._flush_due = False

    async def decode(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Batch:
        request = Request(signal, encoding, received_time, body, self._has_time_for_facts())
        if len(body) >= LARGE_BYTES:
            (outcome,) = await self._away([request])
            return _batch_of(outcome)
        if not self._count:
            return _batch_of(self._decode_one(request))
        future: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
        self._small.append((request, future))
        self._flush_soon()
        return await future

    async def aclose(self) -> None:
        """Ends the workers; whoever still waits for one is refused."""
        if self._watching is not None:
            self._watching.cancel()
        self._workers.stop()
        await asyncio.to_thread(self._threads.shutdown)
        self._workers.close()

    async def _away(self, requests: Sequence[Request]) -> list[Outcome]:
        decode = self._workers.decode if self._count else self._decode_here
        self._away_now += 1
        self._watch()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, decode, requests)
        finally:
            self._away_now -= 1

    def _watch(self) -> None:
        """Looks after the workers for as long as one is at work."""
        if self._watching is None and self._away_now:
            self._watching = asyncio.get_running_loop().call_later(self._most_seconds / 2, self._look)

    def _look(self) -> None:
        self._watching = None
        self._workers.end_stuck(self._most_seconds)
        self._watch()

    def _flush_soon(self) -> None:
        """Once the loop has seen everything that has come: requests that came together are decoded together."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        while self._small and self._groups_away < self._count:
            group = self._take_group()
            if len(group) <= FEW and not self._groups_away:
                _settle(group, self._decode_here([request for request, _ in group]))
            else:
                self._groups_away += 1
                task = asyncio.get_running_loop().create_task(self._group_away(group))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _take_group(self) -> _Group:
        group: _Group = []
        size = 0
        while self._small and len(group) < GROUP_REQUESTS and size < GROUP_BYTES:
            group.append(self._small.popleft())
            size += len(group[-1][0].body)
        return group

    async def _group_away(self, group: _Group) -> None:
        try:
            _settle(group, await self._away([request for request, _ in group]))
        except Exception as error:  # noqa: BLE001  whatever it is, every sender is to have an answer
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._groups_away -= 1
            self._flush()

    def _decode_here(self, requests: Sequence[Request]) -> list[Outcome]:
        return [self._decode_one(request) for request in requests]

    def _decode_one(self, request: Request) -> Outcome:
        signal, body, encoding, received_time = request.signal, request.body, request.encoding, request.received_time
        try:
            return decode_request(signal, body, encoding, received_time, self._kernel, derive=request.derive)
        except RefusedRequest as error:
            return error


def _batch_of(outcome: Outcome) -> Batch:
    if isinstance(outcome, RefusedRequest):
        raise outcome
    return outcome


def _settle(group: _Group, outcomes: Sequence[Outcome]) -> None:
    for (_, future), outcome in zip(group, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, RefusedRequest):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
