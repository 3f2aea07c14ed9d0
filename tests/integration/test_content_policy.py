"""Proves the policy for content end to end: what a daemon is told to leave out or to mask is in no byte of its file, is found by
no search, and is counted; whichever way it came: OTLP as protobuf or JSON, one request or many at once, or a vendor's JSON.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver.decoding import LARGE_BYTES, ProcessDecoder
from receiver.ingest import decode_request
from storage.contract import AttributeFilter, SpanQuery
from storage.rows import Kernel
from storage.rows.hashes import search_hash
from storage.rows.settings import ContentPolicy, RowSettings
from storage.sqlite.store import SqliteSettings, open_store
from tests.running import request
from tests.unit.facts_records import any_value, key_values

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartDaemon
    from tests.running import Daemon

# Words that only the content has.
PROMPT, ANSWER, SAID, LOGGED = "zebrafishes", "quokkaherds", "axolotlsong", "narwhaltusk"
KEY, ADDRESS = "sk-abcdefghijklmnopqrstuv", "grace@example.com"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TRACE = bytes(range(1, 17))


def traces(count: int = 1, filler: int = 0, first: int = 1) -> bytes:
    """Calls with content in attributes and in a span event, with a key and an address."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number in range(first, first + count):
        span = scope.spans.add(trace_id=TRACE, span_id=number.to_bytes(8, "big"), name="chat", end_time_unix_nano=time.time_ns())
        span.start_time_unix_nano = span.end_time_unix_nano - 10**6
        messages = json.dumps([{"role": "user", "content": f"{PROMPT} {'and so on ' * 50}"}])
        span.attributes.extend(key_values({**CHAT, "gen_ai.input.messages": messages, "gen_ai.completion": ANSWER}))
        span.attributes.extend(key_values({"note": f"by {ADDRESS} with {KEY}", "filler": "x" * filler}))
        span.events.add(name="gen_ai.user.message", attributes=key_values({"content": f"{SAID} {'on and on ' * 50}"}))
    return message.SerializeToString()


def logs() -> bytes:
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    prompt = {"session.id": "s", "prompt": f"{LOGGED} {'for ever ' * 50}", "user.email": ADDRESS}
    records.add(event_name="claude_code.user_prompt", time_unix_nano=time.time_ns(), attributes=key_values(prompt))
    records.add(time_unix_nano=time.time_ns(), body=any_value(f"mail from {ADDRESS} with {KEY}"))
    return message.SerializeToString()


def logs_as_json() -> bytes:
    attributes = [
        {"key": "session.id", "value": {"stringValue": "j"}},
        {"key": "prompt", "value": {"stringValue": f"{LOGGED} {'for ever ' * 50}"}},
    ]
    record = {"eventName": "claude_code.user_prompt", "timeUnixNano": str(time.time_ns()), "attributes": attributes}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()


def send_all(daemon: Daemon) -> None:
    """Small requests, decoded in place, and a large one, decoded in another process."""
    large = traces(20, filler=LARGE_BYTES // 20, first=2)
    assert len(large) > LARGE_BYTES
    for path, body, headers in (
        ("/v1/traces", traces(), PROTOBUF),
        ("/v1/traces", large, PROTOBUF),
        ("/v1/logs", logs(), PROTOBUF),
        ("/v1/logs", logs_as_json(), JSON),
    ):
        answer = request("POST", daemon.http_url + path, body, headers)
        assert answer.status == 200, answer


def stored_bytes(daemon: Daemon) -> bytes:
    """All of the file, after the daemon has ended."""
    daemon.stop()
    return b"".join(path.read_bytes() for path in daemon.database.parent.glob(f"{daemon.database.name}*") if path.is_file())


def content_counters(daemon: Daemon) -> dict[str, int]:
    counters = daemon.ask("/api/stats")["counters"]
    return {name: counters[f"content_{name}"] for name in ("cut", "removed", "masked")}


def found(daemon: Daemon, word: str) -> int:
    """How many places of any list have the word."""
    spans = daemon.ask(f"/api/spans?q={quote(word)}")
    records = daemon.ask(f"/api/logs?q={quote(word)}")
    content = daemon.ask(f"/api/search?q={quote(word)}")
    return len(spans) + len(records) + len(content)


def test_off_leaves_nothing_of_what_was_said(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("--content", "off")
    send_all(daemon)

    assert content_counters(daemon) == {"cut": 0, "removed": 3 * 21 + 2, "masked": 0}
    assert [found(daemon, word) for word in (PROMPT, ANSWER, SAID, LOGGED)] == [0, 0, 0, 0]
    calls = daemon.ask("/api/llm-calls")
    assert {(call["model"], call["input_tokens"]) for call in calls} == {("gpt-4o", 5)}
    kept = stored_bytes(daemon)
    assert not [word for word in (PROMPT, ANSWER, SAID, LOGGED) if word.encode() in kept]
    assert b"[removed]" in kept


def test_truncate_keeps_the_beginning(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(environment={"OTLPD_CONTENT": "truncate", "OTLPD_CONTENT_LENGTH": "20"})
    send_all(daemon)

    assert content_counters(daemon) == {"cut": 2 * 21 + 2, "removed": 0, "masked": 0}
    kept = stored_bytes(daemon)
    assert [word for word in (PROMPT, ANSWER, SAID, LOGGED) if word.encode() not in kept] == []
    assert not [words for words in (b"so on and so on", b"on and on on", b"for ever for ever for") if words in kept]


def test_masks_reach_everything_and_counts_outlive_a_restart(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("--content-masks")
    send_all(daemon)

    counts = content_counters(daemon)
    assert counts == {"cut": 0, "removed": 0, "masked": 21 + 2}
    complete = daemon.ask("/api/completeness")
    assert {name: complete[f"content_{name}"] for name in counts} == counts
    assert daemon.ask("/api/completeness?end=-2d")["content_masked"] == 0
    assert "otlpd_store_content_masked_total 23.0" in daemon.get("/metrics", {"Accept": "text/plain"}).body.decode()
    assert found(daemon, KEY) == found(daemon, ADDRESS) == 0
    assert found(daemon, PROMPT)
    database = daemon.database
    kept = stored_bytes(daemon)
    assert KEY.encode() not in kept
    assert ADDRESS.encode() not in kept
    assert PROMPT.encode() in kept
    assert content_counters(start_daemon("--content-masks", database=database)) == counts


def test_by_default_all_is_kept(daemon: Daemon) -> None:
    """The search that finds nothing above finds what is there."""
    send_all(daemon)

    assert content_counters(daemon) == {"cut": 0, "removed": 0, "masked": 0}
    assert all(found(daemon, word) for word in (PROMPT, ANSWER, LOGGED, KEY))


def test_a_vendors_json_takes_the_same_way(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("--content-masks")
    event: dict[str, Any] = {
        "schema_version": "1.0", "timestamp": "2026-03-01T12:00:00Z", "trace_id": "a" * 32, "span_id": "b" * 16,
        "name": "llm.call.start", "level": "INFO", "agent_id": "helper", "session_id": "s1",
        "attributes": {"llm.vendor": "openai", "note": f"{KEY} of {ADDRESS}"},
    }  # fmt: skip
    answer = request("POST", f"{daemon.api_url}/v1/telemetry", json.dumps(event).encode(), JSON)
    assert answer.status < 300, answer

    assert content_counters(daemon)["masked"] > 0
    kept = stored_bytes(daemon)
    assert KEY.encode() not in kept
    assert b"[secret]" in kept


@pytest.mark.parametrize("words", [(), ("--content-masks",)])
def test_masks_are_over_the_log_of_what_came_in(start_daemon: StartDaemon, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Without them it holds the payload as it was sent."""
    log = tmp_path / "ingest.jsonl"
    daemon = start_daemon("--ingest-log", str(log), *words)
    payload: dict[str, Any] = {
        "host": "web-1", "timestamp": "2025-10-08T09:00:00Z", "score": 1,
        "metrics": {
            "cpu_usage": 1.0, "memory_usage": 2.0, "disk_usage": 3.0, "network_rx_bytes_per_sec": 4,
            "network_tx_bytes_per_sec": 5, "tcp_connections": 6,
        },
        "logs": [{"container": "api", "message": f"{KEY} of {ADDRESS}", "timestamp": "2025-10-08T09:00:00Z"}],
    }  # fmt: skip
    answer = request("POST", f"{daemon.api_url}/ingest", json.dumps(payload).encode(), JSON)
    assert answer.status < 300, answer

    written = log.read_text()
    assert '"host": "web-1"' in written
    assert (KEY in written, ADDRESS in written) == ((False, False) if words else (True, True))


async def test_sealed_blocks_hold_no_hash_of_what_was_removed(tmp_path: Path) -> None:
    """A word that can be guessed must not be told by the search index either."""
    path = tmp_path / "sealed.db"
    kernel = Kernel(RowSettings(ContentPolicy("off")))
    store = await open_store(SqliteSettings(path))
    await store.write(kernel.batch_of("traces", traces(1_100), time.time_ns()))
    removed = SpanQuery(attributes=(AttributeFilter("gen_ai.completion", ANSWER),))
    marked = SpanQuery(attributes=(AttributeFilter("gen_ai.completion", "[removed]"),))
    assert list((await store.find_spans(removed)).items) == []
    assert (await store.find_spans(marked)).items
    await store.aclose()

    with sqlite3.connect(path) as connection:
        packed = b"".join(row[0] for row in connection.execute("select hashes from block_hashes"))
    hashes = {int.from_bytes(packed[place : place + 4], "little") for place in range(0, len(packed), 4)}
    assert search_hash("gen_ai.completion", ANSWER) not in hashes
    assert search_hash("gen_ai.completion", "[removed]") in hashes


@pytest.mark.parametrize("workers", [0, 1])
async def test_every_way_of_decoding_is_the_same(workers: int) -> None:
    settings = RowSettings(
        ContentPolicy("truncate", 9, masks=True), '{"gpt-4o": {"input_cost_per_token": 7, "output_cost_per_token": 0}}'
    )
    decoder = ProcessDecoder(workers, settings)
    now = time.time_ns()
    bodies = [traces(), *[traces(number) for number in range(2, 8)], traces(20, filler=LARGE_BYTES // 20)]
    batches = [await decoder.decode("traces", bodies[0], "protobuf", now)]
    batches += await asyncio.gather(*(decoder.decode("traces", body, "protobuf", now) for body in bodies[1:]))
    await decoder.aclose()

    assert batches == [decode_request("traces", body, "protobuf", now, Kernel(settings)) for body in bodies]
    assert all(batch.content_counts[0] and batch.content_counts[2] for batch in batches)
