"""Whatever bytes come, the answer is 200 or the sender's fault: never a 5xx, never a hang, never a broken connection.

Valid requests of each signal and encoding are cut, flipped, repeated and mislabelled, from a fixed seed; the protobuf ones
go over gRPC as well.
"""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING

import grpc
import pytest

from receiver.compression import SUPPORTED
from receiver.signals import SIGNALS
from tests.integration.otlp_harness import JSON, PROTOBUF, export_method, one_item, one_item_json

if TYPE_CHECKING:
    from receiver.signals import Signal
    from tests.integration.otlp_harness import Receiver

ROUNDS = 150
SENDERS_FAULTS = {400, 413, 415}
WORDS = (b"null", b"[]", b"{}", b'"x"', b"-1", b"1e999", b"NaN", b"\\ud800", b"99999999999999999999999", b'{"a":', b"\xff\xfe")


def mangle(chance: random.Random, body: bytes) -> bytes:
    data = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[at:]
            case 1:
                data[at : at + 1] = chance.randbytes(1)
            case 2:
                data[at:at] = data[: chance.randrange(50)]
            case 3:
                data[at : at + 4] = chance.choice(WORDS)
            case _:
                data[at:at] = chance.randbytes(chance.randrange(20))
    return bytes(data)


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
async def test_mangled_requests_over_http(receiver: Receiver, signal: Signal, content_type: str) -> None:
    chance = random.Random(f"{signal.name} {content_type}")
    valid = json.dumps(one_item_json(signal)).encode() if content_type == JSON else one_item(signal).SerializeToString()
    seen = set()
    for _ in range(ROUNDS):
        body, headers = mangle(chance, valid), {}
        if chance.random() < 0.3:
            headers["Content_Encoding"] = chance.choice(SUPPORTED)
            body = mangle(chance, gzip.compress(body)) if chance.random() < 0.5 else gzip.compress(body)
        answer = await receiver.post(signal.path, body, content_type, **headers)
        assert answer.status == 200 or answer.status in SENDERS_FAULTS, body
        seen.add(answer.status)
    assert {200, 400} <= seen
    assert receiver.ingest.pending.held == 0


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
async def test_mangled_requests_over_grpc(receiver: Receiver, signal: Signal) -> None:
    chance = random.Random(signal.name)
    valid = one_item(signal).SerializeToString()
    seen = set()
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        export = export_method(channel, signal)
        for _ in range(ROUNDS):
            try:
                await export(mangle(chance, valid), timeout=5)
                seen.add(grpc.StatusCode.OK)
            except grpc.aio.AioRpcError as error:
                seen.add(error.code())
    assert seen == {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
    assert receiver.ingest.pending.held == 0
