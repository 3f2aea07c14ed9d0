"""What a sender over HTTP is told when its data cannot be taken, wholly or in part (cases 69, 70, 76 to 91, 101 to 105).

Stores that are busy, full or broken are doubles of the one method that the receiver calls; all else is real.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from receiver.errors import PermissionDenied, RateLimited, Unauthenticated
from storage.errors import StoreBusy, StoreClosed, StoreFull, StoreUnwritable
from tests.integration.otlp_harness import JSON, PROTOBUF, add_span, http_request, raw, span_json, traces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.batch import Batch, Written
    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver


class FailingStore:
    """Refuses every write with one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def write(self, batch: Batch) -> Written:  # noqa: ARG002  it is what a store takes
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        pytest.param(StoreBusy("the queue is full"), 503, 14, "1", id="case-77-busy"),
        pytest.param(StoreBusy("the queue is full", retry_after=60), 503, 14, "5", id="case-83-never-over-5"),
        pytest.param(StoreFull("the disk is full", retry_after=3), 503, 14, "3", id="case-80-disk-full"),
        pytest.param(StoreClosed("stopping"), 503, 14, "1", id="case-77-closing"),
        pytest.param(StoreUnwritable("the file is read-only"), 500, 13, None, id="case-80-permanent"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
async def test_a_store_that_refuses(
    start_receiver: StartReceiver, error: Exception, status: int, code: int, retry_after: str | None, content_type: str
) -> None:
    """cases 82, 85, 86: whole seconds, only when a retry helps, and a Status in the encoding of the request."""
    receiver = await start_receiver(writer=FailingStore(error))
    body = json.dumps(span_json()).encode() if content_type == JSON else traces().SerializeToString()
    answer = await receiver.post("/v1/traces", body, content_type)
    assert (answer.status, answer.content_type, answer.headers.get("retry-after")) == (status, content_type, retry_after)
    assert (answer.error().code, answer.error().message) == (code, str(error))


@pytest.mark.parametrize("error", [ValueError("a secret detail"), ConnectionResetError("a secret detail")], ids=type)
async def test_a_defect_of_ours_leaks_no_words(
    start_receiver: StartReceiver, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """case 80: the sender learns that it was not its fault; the log has the rest."""
    receiver = await start_receiver(writer=FailingStore(error))
    answer = await receiver.post("/v1/traces", traces().SerializeToString())
    assert (answer.status, answer.error().code) == (500, 13)
    assert b"secret" not in answer.body
    assert "a secret detail" in caplog.text


class SlowStore:
    """Keeps every write waiting until it is told to go on."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, batch: Batch) -> Written:
        self.entered.set()
        await self.go_on.wait()
        written: Written = await self._store.write(batch)
        return written


async def test_requests_in_flight_are_bounded_together(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """case 77: the memory guard says 503 and when to come back, and lets in again what has room."""
    slow = SlowStore(receiver.store)
    bounded = await start_receiver(writer=slow, max_pending_bytes=1000)
    first = asyncio.create_task(bounded.post("/v1/traces", traces(attribute_bytes=600).SerializeToString()))
    await slow.entered.wait()
    refused = await bounded.post("/v1/traces", traces(attribute_bytes=600).SerializeToString())
    assert (refused.status, refused.headers["retry-after"], refused.error().code) == (503, "1", 14)
    slow.go_on.set()
    assert (await first).status == 200
    assert (await bounded.post("/v1/traces", traces(attribute_bytes=600).SerializeToString())).status == 200


def mixed() -> Any:
    request = traces(2)
    add_span(request, name="bad", trace_id=b"short")
    return request


async def test_partial_success_in_protobuf(receiver: Receiver) -> None:
    """case 87: 200, how many, which rule, the first example."""
    answer = await receiver.post("/v1/traces", mixed().SerializeToString())
    assert (answer.status, answer.content_type) == (200, PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 1
    assert "1 of 3 spans rejected" in partial.error_message
    assert "'bad'" in partial.error_message
    assert "trace_id must be 16 bytes" in partial.error_message
    assert (await receiver.stored())["traces"] == 2


async def test_partial_success_in_json(receiver: Receiver) -> None:
    """case 91: int64 as a string."""
    body = span_json()
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"name": "bad", "traceId": "00", "spanId": "00"})
    answer = await receiver.post_json("/v1/traces", body)
    assert (answer.status, answer.content_type) == (200, JSON)
    partial = json.loads(answer.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "1 of 2 spans rejected" in partial["errorMessage"]
    assert (await receiver.stored())["traces"] == 1


async def test_all_items_rejected_is_still_200(receiver: Receiver) -> None:
    """case 88."""
    request = traces(0)
    add_span(request, trace_id=bytes(16))
    answer = await receiver.post("/v1/traces", request.SerializeToString())
    assert answer.status == 200
    assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == 1


async def test_a_warning_rejects_nothing(receiver: Receiver) -> None:
    """cases 89, 129: a body without a known key says so, with zero rejected."""
    answer = await receiver.post_json("/v1/traces", {"resourcespans": []})
    partial = json.loads(answer.body)["partialSuccess"]
    assert "rejectedSpans" not in partial
    assert "resourceSpans" in partial["errorMessage"]


async def test_full_success_has_no_partial_success(receiver: Receiver) -> None:
    """case 90: not even an empty one."""
    assert (await receiver.post("/v1/traces", traces().SerializeToString())).body == b""
    assert (await receiver.post_json("/v1/traces", span_json())).body == b"{}"


async def test_a_slow_body_ends_in_408(start_receiver: StartReceiver) -> None:
    """case 69: and other senders are served meanwhile."""
    receiver = await start_receiver(body_timeout_seconds=0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b"x", "Content-Length: 100"))
    assert (await receiver.post("/v1/traces", traces().SerializeToString())).status == 200
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).split()[1] == b"408"
    writer.close()


async def test_a_client_that_leaves_mid_body(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """case 70: nothing stored, nothing held, nothing logged."""
    for headers in (("Content-Length: 5000",), ("Transfer-Encoding: chunked",)):
        await raw(receiver.http.port, http_request("/v1/traces", b"a\r\n0123456789\r\n", *headers), then_close=True)
    await asyncio.sleep(0.2)
    assert receiver.ingest.pending.held == 0
    assert (await receiver.stored())["traces"] == 0
    assert not caplog.records


def keys(headers: Mapping[str, str], scope: str) -> None:
    """An authorizer with one key of each kind."""
    assert scope == "ingest"
    given = headers.get("authorization")
    if given == "Bearer reader":
        raise PermissionDenied("the key has no scope 'ingest'")
    if given == "Bearer busy":
        raise RateLimited("1000 requests a minute are used up", retry_after=2)
    if given != "Bearer good":
        raise Unauthenticated("no key, or one that is not known: send Authorization: Bearer <key>")


@pytest.mark.parametrize(
    ("key", "status", "code", "header"),
    [
        pytest.param("good", 200, 0, None, id="case-103"),
        pytest.param("wrong", 401, 16, ("www-authenticate", "Bearer"), id="case-101"),
        pytest.param("reader", 403, 7, None, id="case-102"),
        pytest.param("busy", 429, 8, ("retry-after", "2"), id="case-78"),
    ],
)
async def test_keys(start_receiver: StartReceiver, key: str, status: int, code: int, header: tuple[str, str] | None) -> None:
    receiver = await start_receiver(authorize=keys)
    answer = await receiver.post("/v1/traces", traces().SerializeToString(), Authorization=f"Bearer {key}")
    assert answer.status == status
    if code:
        assert answer.error().code == code
    if header is not None:
        assert answer.headers[header[0]] == header[1]


async def test_keys_are_judged_before_the_body_comes(start_receiver: StartReceiver) -> None:
    """case 105: the head alone is answered. case 101: a small refused body does not cost the connection."""
    receiver = await start_receiver(authorize=keys)
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b"", "Content-Length: 10"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
    assert head.split()[1] == b"401"
    assert b"connection: close" not in head.lower()
    writer.write(b"0123456789")
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
    body = traces().SerializeToString()
    writer.write(http_request("/v1/traces", body, "Authorization: Bearer good"))
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).split()[1] == b"200"
    writer.close()


async def test_what_needs_no_key(start_receiver: StartReceiver) -> None:
    """case 93: preflight, and the word at the door."""
    receiver = await start_receiver(authorize=keys)
    assert (await receiver.request("OPTIONS", "/v1/traces", Origin="http://localhost:3000")).status == 204
    assert (await receiver.request("GET", "/")).status == 200


async def test_counters(receiver: Receiver) -> None:
    """What was taken and refused is counted by signal, transport and reason."""
    await receiver.post("/v1/traces", mixed().SerializeToString())
    await receiver.post("/v1/traces", b"\xff", PROTOBUF)
    await receiver.post("/nowhere", b"")
    counters = receiver.ingest.counters
    counted = counters.by_signal["traces", "http"]
    assert (counted.requests, counted.accepted_items, counted.rejected_items) == (1, 2, 1)
    assert counted.refused == {"malformed": 1}
    assert counters.unrouted == {"path": 1}
