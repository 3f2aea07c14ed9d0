"""OTLP over gRPC through the real client: each signal, codings, sizes, faults, keys, TLS, stop (cases 141 to 172).

Each case's number stands beside its test or in the parameter's name.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import pytest
import trustme
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from receiver.settings import MIB, TlsSettings
from receiver.signals import SIGNALS, TRACES
from storage.contract import SpanQuery
from storage.errors import StoreBusy, StoreUnwritable
from tests.integration.otlp_harness import add_span, export_method, logs, one_item, traces
from tests.integration.test_otlp_http_errors import FailingStore, SlowStore, keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from receiver.signals import Signal
    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver

UNLIMITED = [("grpc.max_send_message_length", -1)]


@pytest.fixture
async def channel(receiver: Receiver) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(receiver.grpc_target, options=UNLIMITED) as opened:
        yield opened


async def fails(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error: grpc.aio.AioRpcError = caught.value
    return error


def trailers(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    pairs: Any = error.trailing_metadata()
    return dict(pairs)


@pytest.mark.parametrize("signal", [pytest.param(signal, id=f"case-141-{signal.name}") for signal in SIGNALS])
async def test_each_signal(receiver: Receiver, channel: grpc.aio.Channel, signal: Signal) -> None:
    assert await export_method(channel, signal)(one_item(signal).SerializeToString(), timeout=5) == b""
    assert (await receiver.stored())[signal.name] == 1


async def test_empty_request(channel: grpc.aio.Channel) -> None:
    """case 142."""
    assert await export_method(channel)(b"", timeout=5) == b""


@pytest.mark.parametrize(
    "compression",
    [
        pytest.param(grpc.Compression.NoCompression, id="case-143-identity"),
        pytest.param(grpc.Compression.Gzip, id="case-143-gzip"),
        pytest.param(grpc.Compression.Deflate, id="case-143-deflate"),
    ],
)
async def test_codings(receiver: Receiver, channel: grpc.aio.Channel, compression: grpc.Compression) -> None:
    body = traces(20, attribute_bytes=500).SerializeToString()
    assert await export_method(channel)(body, compression=compression, timeout=5) == b""
    assert (await receiver.stored())["traces"] == 20


async def test_the_limit(start_receiver: StartReceiver) -> None:
    """cases 145, 146: up to the limit is taken, and over it no retry is suggested."""
    receiver = await start_receiver(max_body_bytes=8 * MIB)
    async with grpc.aio.insecure_channel(receiver.grpc_target, options=UNLIMITED) as channel:
        body = traces(attribute_bytes=8 * MIB - 1000).SerializeToString()
        assert await export_method(channel)(body, timeout=20) == b""
        error = await fails(export_method(channel)(bytes(8 * MIB + 1), timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers(error)
    assert (await receiver.stored())["traces"] == 1


async def test_the_default_limit_is_64_mib(receiver: Receiver, channel: grpc.aio.Channel) -> None:
    """case 145: gRPC's own default of 4 MiB is what users trip over most; here the request is merely no protobuf."""
    error = await fails(export_method(channel)(b"\xff" * (64 * MIB - 100), timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert receiver.ingest.pending.held == 0


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_bomb(receiver: Receiver, channel: grpc.aio.Channel, compression: grpc.Compression) -> None:
    """case 147: 200 MiB in 200 kB is refused, and this process (the client's copies included) does not inflate it again."""
    bomb = bytes(200 * MIB)
    await export_method(channel)(b"", timeout=5)
    process = psutil.Process()
    before = process.memory_info().rss
    error = await fails(export_method(channel)(bomb, compression=compression, timeout=30))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert process.memory_info().rss - before < 400 * MIB
    assert receiver.ingest.counters.of(TRACES, "grpc").requests == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xff\xff", id="case-148"),
        pytest.param(json.dumps({"resourceSpans": []}).encode(), id="case-148-json"),
        pytest.param(gzip.compress(b"x"), id="case-148-gzip-without-a-word"),
    ],
)
async def test_undecodable_messages(channel: grpc.aio.Channel, body: bytes) -> None:
    """The sender's fault is INVALID_ARGUMENT, with a Status that says the same."""
    error = await fails(export_method(channel)(body, timeout=5))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = Status.FromString(trailers(error)["grpc-status-details-bin"])
    assert (status.code, status.message) == (3, error.details())
    assert status.message


async def test_logs_sent_to_traces_are_not_stored(receiver: Receiver, channel: grpc.aio.Channel) -> None:
    """case 35 over gRPC."""
    try:
        answer = await export_method(channel)(logs(3).SerializeToString(), timeout=5)
        assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017  either answer is right
    assert (await receiver.stored())["traces"] == 0


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        pytest.param("/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", "profiles", id="case-149"),
        pytest.param("/opentelemetry.proto.collector.trace.v1.TraceService/Import", "not received", id="case-150-method"),
        pytest.param(
            "/opentelemetry.proto.collector.trace.v1experimental.TraceService/Export", "TraceService", id="case-150-version"
        ),
        pytest.param("/some.Other/Call", "not received", id="case-150-other"),
    ],
)
async def test_other_methods(channel: grpc.aio.Channel, path: str, hint: str) -> None:
    error = await fails(channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)(b"x", timeout=5))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert hint in (error.details() or "")


async def test_overload_says_when_to_come_back(start_receiver: StartReceiver) -> None:
    """cases 151, 153: in the standard place and in the one that the Python exporter reads."""
    receiver = await start_receiver(writer=FailingStore(StoreBusy("the queue is full", retry_after=2)))
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        error = await fails(export_method(channel)(traces().SerializeToString(), timeout=5))
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "the queue is full")
    status = Status.FromString(trailers(error)["grpc-status-details-bin"])
    delay = RetryInfo()
    assert status.code == 14
    assert status.details[0].Unpack(delay)
    assert delay == RetryInfo.FromString(trailers(error)["google.rpc.retryinfo-bin"])
    assert delay.retry_delay.seconds == 2


async def test_calls_in_flight_are_bounded_together(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """case 154: counted by us, because gRPC's own counter answers RESOURCE_EXHAUSTED without a delay."""
    slow = SlowStore(receiver.store)
    bounded = await start_receiver(writer=slow, max_pending_bytes=500)
    async with grpc.aio.insecure_channel(bounded.grpc_target) as channel:
        export = export_method(channel)
        body = traces(attribute_bytes=600).SerializeToString()
        first = asyncio.ensure_future(export(body, timeout=5))
        await slow.entered.wait()
        error = await fails(export(body, timeout=5))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "google.rpc.retryinfo-bin" in trailers(error)
        slow.go_on.set()
        assert await first == b""
        assert await export(body, timeout=5) == b""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(StoreUnwritable("the file is read-only"), "the file is read-only", id="case-155"),
        pytest.param(ValueError("a secret detail"), "internal error; the log of otlpd says more", id="case-156"),
    ],
)
async def test_lasting_faults(start_receiver: StartReceiver, error: Exception, words: str) -> None:
    receiver = await start_receiver(writer=FailingStore(error))
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        answer = await fails(export_method(channel)(traces().SerializeToString(), timeout=5))
    assert (answer.code(), answer.details()) == (grpc.StatusCode.INTERNAL, words)
    assert "google.rpc.retryinfo-bin" not in trailers(answer)


async def test_partial_success(receiver: Receiver, channel: grpc.aio.Channel) -> None:
    """case 157."""
    request = traces(2)
    add_span(request, name="bad", trace_id=b"short")
    answer = await export_method(channel)(request.SerializeToString(), timeout=5)
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 1
    assert "1 of 3 spans rejected: span 'bad'" in partial.error_message
    assert (await receiver.stored())["traces"] == 2


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param("wrong", grpc.StatusCode.UNAUTHENTICATED, id="case-158"),
        pytest.param("reader", grpc.StatusCode.PERMISSION_DENIED, id="case-158-forbidden"),
        pytest.param("busy", grpc.StatusCode.UNAVAILABLE, id="case-152"),
    ],
)
async def test_keys(start_receiver: StartReceiver, key: str, code: grpc.StatusCode) -> None:
    """Judged before the message is read: 60 MiB with a bad key are answered, and none of it is held."""
    receiver = await start_receiver(authorize=keys)
    async with grpc.aio.insecure_channel(receiver.grpc_target, options=UNLIMITED) as channel:
        export = export_method(channel)
        error = await fails(export(bytes(60 * MIB), metadata=(("authorization", f"Bearer {key}"),), timeout=10))
        assert error.code() is code
        assert ("google.rpc.retryinfo-bin" in trailers(error)) == (key == "busy")
        assert await export(b"", metadata=(("authorization", "Bearer good"),), timeout=5) == b""


async def test_an_authorizer_that_fails_lets_nobody_in(start_receiver: StartReceiver) -> None:
    """case 156: a defect while keys are judged is INTERNAL, without its words."""

    def broken(_headers: Mapping[str, str], _scope: str) -> None:
        raise ValueError("a secret detail")

    receiver = await start_receiver(authorize=broken)
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        error = await fails(export_method(channel)(b"", timeout=5))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (error.details() or "")


@pytest.mark.parametrize("message", ["zeile eins\nzeile zwei", "grüße, 你好", "100 % voll"])
async def test_words_that_headers_cannot_carry(start_receiver: StartReceiver, message: str) -> None:
    """case 170."""
    receiver = await start_receiver(writer=FailingStore(StoreBusy(message)))
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        assert (await fails(export_method(channel)(b"", timeout=5))).details() == message


async def test_100_calls_at_once_on_one_connection(receiver: Receiver, channel: grpc.aio.Channel) -> None:
    """case 162."""
    export = export_method(channel)
    await asyncio.gather(*(export(traces(2).SerializeToString(), timeout=10) for _ in range(100)))
    assert (await receiver.stored())["traces"] == 200


async def test_a_deadline_that_passes_while_the_store_works(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """cases 163, 164: the client resends the same bytes, and there is one span in the end."""
    slow = SlowStore(receiver.store)
    waiting = await start_receiver(writer=slow)
    body = traces().SerializeToString()
    async with grpc.aio.insecure_channel(waiting.grpc_target) as channel:
        export = export_method(channel)
        error = await fails(export(body, timeout=0.2))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        slow.go_on.set()
        assert await export(body, timeout=5) == b""
        assert await export(body, timeout=5) == b""
    assert (await receiver.stored())["traces"] == 1
    assert waiting.ingest.pending.held == 0


@pytest.mark.parametrize("service", ["", *(signal.service for signal in SIGNALS)])
async def test_health(channel: grpc.aio.Channel, service: str) -> None:
    """case 165."""
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    answer = await check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_health_needs_no_key(start_receiver: StartReceiver) -> None:
    """case 165: what asks for health has no keys."""
    receiver = await start_receiver(authorize=keys)
    async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
        await test_health(channel, "")


async def test_tls_and_client_certificates(start_receiver: StartReceiver, tmp_path: Path) -> None:
    """case 167: without a certificate the handshake fails, with the right one the call is served."""
    authority, clients = trustme.CA(), trustme.CA()
    server = authority.issue_cert("localhost")
    server.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    tls = TlsSettings(tmp_path / "server.pem", tmp_path / "server.pem", tmp_path / "clients.pem")
    receiver = await start_receiver(tls=tls)
    roots = authority.cert_pem.bytes()
    target = f"localhost:{receiver.grpc.port}"
    async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(roots)) as channel:
        assert (await fails(export_method(channel)(b"", timeout=2))).code() is grpc.StatusCode.UNAVAILABLE
    client = clients.issue_cert("agent@example.org")
    chain = b"".join(blob.bytes() for blob in client.cert_chain_pems)
    credentials = grpc.ssl_channel_credentials(roots, client.private_key_pem.bytes(), chain)
    async with grpc.aio.secure_channel(target, credentials) as channel:
        assert await export_method(channel)(traces().SerializeToString(), timeout=5) == b""
    assert (await receiver.stored())["traces"] == 1


async def test_a_stop_finishes_what_is_in_flight(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """case 171: stored and answered, and nothing is accepted any more."""
    slow = SlowStore(receiver.store)
    stopping = await start_receiver(writer=slow)
    async with grpc.aio.insecure_channel(stopping.grpc_target) as channel:
        in_flight = asyncio.ensure_future(export_method(channel)(traces().SerializeToString(), timeout=5))
        await slow.entered.wait()
        stop = asyncio.create_task(stopping.grpc.aclose(5))
        await asyncio.sleep(0.1)
        slow.go_on.set()
        assert await in_flight == b""
        async with asyncio.timeout(3):
            await stop
            await stopping.grpc.aclose(5)
        assert (await fails(export_method(channel)(b"", timeout=1))).code() is grpc.StatusCode.UNAVAILABLE
    assert (await stopping.stored())["traces"] == 1


async def test_the_same_payload_makes_the_same_rows_by_every_way(receiver: Receiver, channel: grpc.aio.Channel) -> None:
    """case 172: gRPC, HTTP/protobuf and HTTP/JSON; only the span's id differs."""
    request = traces(1, attribute_bytes=10)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    stored = []
    for way in ("grpc", "protobuf", "json"):
        span.span_id = way.encode().ljust(8, b".")
        if way == "grpc":
            await export_method(channel)(request.SerializeToString(), timeout=5)
        elif way == "protobuf":
            await receiver.post("/v1/traces", request.SerializeToString())
        else:
            await receiver.post_json("/v1/traces", with_hex_ids(MessageToDict(request)))
        page = await receiver.store.find_spans(SpanQuery(trace_id=span.trace_id.hex(), limit=10))
        record = next(entry for entry in page.items if entry.span_id == span.span_id.hex())
        stored.append((record.name, record.start_time, record.attributes, record.kind, record.resource, record.scope))
    assert stored[0] == stored[1] == stored[2]


def with_hex_ids(request: dict[str, Any]) -> dict[str, Any]:
    for resource_spans in request["resourceSpans"]:
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                for name in ("traceId", "spanId"):
                    span[name] = base64.b64decode(span[name]).hex()
    return request
