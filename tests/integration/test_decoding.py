"""Decoding in other processes: the same rows as in place, the same refusals, bounded memory, and no worker that is missed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from benchmarks.telemetry import SECOND_NS, trace_request
from receiver.decoding import LARGE_BYTES, ProcessDecoder
from receiver.errors import Malformed, Overloaded, TooLarge
from receiver.ingest import decode_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECEIVED = 1_700_000_000 * SECOND_NS


def large_request() -> bytes:
    body = trace_request(random.Random(4), 100, RECEIVED)
    assert len(body) > LARGE_BYTES
    return body


def length_delimited(tag: int, body: bytes) -> bytes:
    size, rest = b"", len(body)
    while True:
        size += bytes([rest & 127 | (128 if rest > 127 else 0)])
        rest >>= 7
        if not rest:
            return bytes([tag]) + size + body


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessDecoder]:
    made = ProcessDecoder(1)
    yield made
    await made.aclose()


async def test_a_worker_gives_the_rows_that_decoding_in_place_gives(decoder: ProcessDecoder) -> None:
    body = large_request()

    batch = await decoder.decode("traces", body, "protobuf", RECEIVED)

    assert batch == decode_request("traces", body, "protobuf", RECEIVED)


async def test_small_requests_that_come_together_are_decoded_together(decoder: ProcessDecoder) -> None:
    """Each sender gets its own rows, and its own refusal, whatever the others sent."""
    bodies = [trace_request(random.Random(seed), 10, RECEIVED) for seed in range(40)]
    bodies[7] = b"\xff\xff"

    outcomes = await asyncio.gather(
        *(decoder.decode("traces", body, "protobuf", RECEIVED) for body in bodies), return_exceptions=True
    )

    assert len([child for child in psutil.Process().children() if "receiver.decode_worker" in child.cmdline()]) == 1
    assert isinstance(outcomes.pop(7), Malformed)
    del bodies[7]
    assert outcomes == [decode_request("traces", body, "protobuf", RECEIVED) for body in bodies]


async def test_a_small_request_that_comes_alone_starts_no_worker(decoder: ProcessDecoder) -> None:
    batch = await decoder.decode("traces", trace_request(random.Random(1), 10, RECEIVED), "protobuf", RECEIVED)

    assert len(batch.rows) == 10
    assert not [child for child in psutil.Process().children() if "receiver.decode_worker" in child.cmdline()]


async def test_a_worker_refuses_as_decoding_in_place_does(decoder: ProcessDecoder) -> None:
    garbage = b"\xff" * (LARGE_BYTES + 1)

    with pytest.raises(Malformed, match="not an OTLP traces request"):
        await decoder.decode("traces", garbage, "protobuf", RECEIVED)


async def test_a_request_of_very_many_empty_spans_is_refused_within_bounded_memory(decoder: ProcessDecoder) -> None:
    """40 MiB of empty spans would parse into 3.5 GB."""
    bomb = length_delimited(0x0A, length_delimited(0x12, b"\x12\x00" * (20 * 2**20)))

    with pytest.raises(TooLarge, match="more memory"):
        await decoder.decode("traces", bomb, "protobuf", RECEIVED)

    batch = await decoder.decode("traces", large_request(), "protobuf", RECEIVED)
    assert len(batch.rows) == 100


async def test_a_worker_that_died_is_replaced_and_the_request_decoded(decoder: ProcessDecoder) -> None:
    await decoder.decode("traces", large_request(), "protobuf", RECEIVED)
    (worker,) = (child for child in psutil.Process().children() if "receiver.decode_worker" in child.cmdline())
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    batch = await decoder.decode("traces", large_request(), "protobuf", RECEIVED)

    assert len(batch.rows) == 100


def stop_worker() -> None:
    """As a process that a debugger holds, or that waits for a disk that is gone."""
    (worker,) = (child for child in psutil.Process().children() if "receiver.decode_worker" in child.cmdline())
    os.kill(worker.pid, signal.SIGSTOP)


async def test_a_worker_that_is_stuck_is_replaced_and_the_request_decoded() -> None:
    decoder = ProcessDecoder(1, most_seconds=2.0)
    await decoder.decode("traces", large_request(), "protobuf", RECEIVED)
    stop_worker()

    batch = await decoder.decode("traces", large_request(), "protobuf", RECEIVED)

    assert len(batch.rows) == 100
    await decoder.aclose()


async def test_a_stuck_worker_keeps_nobody_from_stopping() -> None:
    decoder = ProcessDecoder(1)
    await decoder.decode("traces", large_request(), "protobuf", RECEIVED)
    stop_worker()
    waiting = asyncio.create_task(decoder.decode("traces", large_request(), "protobuf", RECEIVED))
    await asyncio.sleep(0.2)

    await asyncio.wait_for(decoder.aclose(), 10)

    with pytest.raises(Overloaded, match="stopping"):
        await waiting


async def test_workers_end_with_the_decoder() -> None:
    decoder = ProcessDecoder(2)
    await decoder.decode("traces", large_request(), "protobuf", RECEIVED)

    await decoder.aclose()

    assert not [child for child in psutil.Process().children() if "receiver.decode_worker" in child.cmdline()]
