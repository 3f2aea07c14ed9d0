"""Decodes large requests in processes of their own, so that the event loop and the writer keep their core.

Decoding is half of what a span costs (12 of 25 µs), all of it under the interpreter lock. A request below 32 KiB is decoded
in place: handing it over costs more than it saves. Workers start with the first large request, so an idle daemon has none.
A worker that dies is replaced, and its request given to the new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

from receiver.errors import Malformed, RefusedRequest, TooLarge
from receiver.frames import BATCH, ENCODINGS, SIGNALS, TOO_LARGE, read_answer, write_request
from receiver.ingest import decode_request
from storage.batch import Batch

if TYPE_CHECKING:
    from typing import BinaryIO

    from receiver.ingest import Encoding

logger = logging.getLogger(__name__)

SMALLEST_HANDED_OVER_BYTES = 32 * 1024
PIPE_BYTES = 1024 * 1024
ATTEMPTS = 2


class _Worker:
    """One decoding process, for one thread at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "receiver.decode_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=PIPE_BYTES,
        )
        self._requests, self._answers = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)

    def decode(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Batch:
        write_request(self._requests, SIGNALS.index(signal), ENCODINGS.index(encoding), received_time, body)
        kind, answer = read_answer(self._answers)
        if kind == BATCH:
            return Batch.load(answer)
        text = answer.decode()
        raise TooLarge(text, len(body)) if kind == TOO_LARGE else Malformed(text)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._requests.close()
        self._process.kill()
        self._process.wait()
        self._answers.close()


class ProcessDecoder:
    """A Decoder (receiver.ingest) over `workers` processes; 0 decodes everything in place or in a thread."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._all: list[_Worker] = []
        self._threads = ThreadPoolExecutor(max(workers, 1), thread_name_prefix="decoder")

    async def decode(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Batch:
        if len(body) < SMALLEST_HANDED_OVER_BYTES:
            return decode_request(signal, body, encoding, received_time)
        decode = self._hand_over if self._workers else decode_request
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, decode, signal, body, encoding, received_time)

    async def aclose(self) -> None:
        """Waits for what is under way, then ends the workers."""
        await asyncio.to_thread(self._threads.shutdown)
        for worker in self._all:
            worker.stop()

    def _hand_over(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Batch:
        for _ in range(ATTEMPTS):
            worker = self._take()
            try:
                batch = worker.decode(signal, body, encoding, received_time)
            except OSError as error:
                logger.warning("a decoding process ended (%s); a new one starts", error)
                self._discard(worker)
            except RefusedRequest:
                self._idle.put(worker)
                raise
            else:
                self._idle.put(worker)
                return batch
        # What ends a process twice must not be tried in the one that everything depends on.
        raise TooLarge("the request ended the process that decoded it, twice: send fewer items at once", len(body))

    def _take(self) -> _Worker:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        worker = _Worker()
        with self._lock:
            self._all.append(worker)
        return worker

    def _discard(self, worker: _Worker) -> None:
        with self._lock:
            self._all.remove(worker)
        worker.stop()
