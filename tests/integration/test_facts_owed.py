"""Facts that were owed under load come out as those written at once, survive a restart, and hold up nobody."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from benchmarks.telemetry import SECOND_NS, trace_request
from proto_fixtures.agents import agent_fixtures
from storage.rows import batch_of
from storage.sqlite.connect import connect_writer
from storage.sqlite.facts.owed import LARGE_TRACE, ROWS_PER_PIECE, ROWS_PER_STEP
from storage.sqlite.migrate import migrate
from storage.sqlite.writing.work import Work

if TYPE_CHECKING:
    from pathlib import Path

    from storage.batch import Batch

RECEIVED = 1_700_000_000 * SECOND_NS
# Everything that a fact says; numbers of rows that depend on the order of writing are told by name.
NAMED = ("fact", "time", "trace_id", "span_id", "agent_name", "session_id", "user_id", "model", "input_tokens", "output_tokens",
         "computed_cost", "reported_cost", "tool_name", "failed", "error_type", "counted")  # fmt: skip


def work_on(path: Path) -> Work:
    connection = connect_writer(path)
    migrate(connection)
    work = Work(connection)
    work.load()
    return work


def batches() -> list[Batch]:
    """Agent traces as the benchmarks send them, some cut in two requests, and what agent libraries sent."""
    rng = random.Random(3)
    made = [batch_of("traces", trace_request(rng, 60, RECEIVED + number * SECOND_NS), RECEIVED) for number in range(3)]
    for fixture in agent_fixtures():
        made += [batch_of(part.signal, part.message().SerializeToString(), RECEIVED) for part in fixture.bodies]
    return made


def facts(work: Work) -> list[tuple[object, ...]]:
    columns = {row[1] for row in work.connection.execute("pragma table_info(named_facts)")}
    wanted = [column for column in NAMED if column in columns]
    assert len(wanted) > 10, columns
    return sorted(work.connection.execute(f"select {', '.join(wanted)} from named_facts"), key=repr)


def sums(work: Work) -> list[tuple[object, ...]]:
    found = work.connection.execute("select sum(count), sum(input_tokens), sum(output_tokens), sum(failed) from usage_hours")
    return found.fetchall()


def pay_all(work: Work) -> None:
    while work.owed.pieces:
        work.pay_facts()


@pytest.fixture
def at_once(tmp_path: Path) -> Work:
    work = work_on(tmp_path / "at_once.db")
    for batch in batches():
        work.write([batch])
    return work


def test_facts_paid_later_are_those_written_at_once(tmp_path: Path, at_once: Work) -> None:
    later = work_on(tmp_path / "later.db")
    for batch in batches():
        later.write([batch], owe_facts=True)
    assert later.owed.pieces
    # A request that repeats spans is never owed.
    assert len(facts(later)) < len(facts(at_once)) / 2

    pay_all(later)

    assert facts(later) == facts(at_once)
    assert sums(later) == sums(at_once)


def test_facts_owed_in_between_are_those_written_at_once(tmp_path: Path, at_once: Work) -> None:
    """Every other request is owed, and what is owed is paid while more comes."""
    mixed = work_on(tmp_path / "mixed.db")
    for number, batch in enumerate(batches()):
        mixed.write([batch], owe_facts=number % 2 == 0)
        if number % 5 == 4:
            mixed.pay_facts()

    pay_all(mixed)

    assert facts(mixed) == facts(at_once)
    assert sums(mixed) == sums(at_once)


def test_what_was_not_looked_for_is_owed_and_found(tmp_path: Path, at_once: Work) -> None:
    """A request decoded without looking for facts, for want of time."""
    bare = work_on(tmp_path / "bare.db")
    for batch in batches():
        if batch.signal != "metrics":
            batch.facts, batch.contents, batch.identities, batch.resource_identities = [], [], [], []
            batch.derived = False
        bare.write([batch])

    pay_all(bare)

    assert facts(bare) == facts(at_once)


def test_debts_survive_a_restart_and_come_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "restart.db"
    before = work_on(path)
    batch = batch_of("traces", trace_request(random.Random(3), 2 * ROWS_PER_PIECE + 10, RECEIVED), RECEIVED)
    before.write([batch], owe_facts=True)
    before.connection.close()

    after = work_on(path)

    assert after.owed.pieces == 3
    pay_all(after)
    # Every span is one, and a turn of each trace.
    assert len(facts(after)) == len(batch.rows) + len(batch.traces)


def large_trace() -> list[Batch]:
    """A trace of 3,001 spans in seven requests; the last brings the root, which says whose session all of them are."""
    one = ExportTraceServiceRequest.FromString(trace_request(random.Random(5), 3 * LARGE_TRACE, RECEIVED))
    spans = [span for owner in one.resource_spans for scope in owner.scope_spans for span in scope.spans]
    for span in spans:
        span.trace_id = bytes(range(16))
        span.parent_span_id = span.parent_span_id or b"the root"
        kept = [pair for pair in span.attributes if pair.key not in {"gen_ai.conversation.id", "session.id"}]
        del span.attributes[:]
        span.attributes.extend(kept)
    session = KeyValue(key="gen_ai.conversation.id", value=AnyValue(string_value="long"))
    root = Span(trace_id=bytes(range(16)), span_id=b"the root", name="work", start_time_unix_nano=RECEIVED, attributes=[session])
    parts = [*(spans[start : start + 500] for start in range(0, len(spans), 500)), [root]]
    owners = [ResourceSpans(scope_spans=[ScopeSpans(spans=part)]) for part in parts]
    requests = [ExportTraceServiceRequest(resource_spans=[owner]) for owner in owners]
    return [batch_of("traces", request.SerializeToString(), RECEIVED) for request in requests]


def sessions_of_facts(work: Work) -> set[str | None]:
    return {row[0] for row in work.connection.execute("select session_id from named_facts")}


def test_a_root_that_comes_last_is_handed_down_in_small_steps(tmp_path: Path) -> None:
    """Of 3,000 facts each changes, and nobody waits for more than some hundred of them."""
    work = work_on(tmp_path / "large.db")
    *parts, root = large_trace()
    for part in parts:
        work.write([part])
        pay_all(work)
    assert "long" not in sessions_of_facts(work)

    work.write([root])

    assert work.owed.pieces == 1
    most, before = 0, work.connection.total_changes
    while work.owed.pieces:
        work.pay_facts()
        assert not work.connection.in_transaction
        most, before = max(most, work.connection.total_changes - before), work.connection.total_changes
    assert sessions_of_facts(work) == {"long"}
    assert most < 6 * ROWS_PER_STEP  # a fact, and what it takes from and adds to sums


def test_a_payment_that_is_given_up_is_made_anew(tmp_path: Path) -> None:
    """A span that takes the place of another has its facts at once, whatever is being worked out."""
    work, plain = work_on(tmp_path / "given_up.db"), work_on(tmp_path / "plain.db")
    *parts, root = large_trace()
    for number, part in enumerate((*parts, root)):
        plain.write([part])
        work.write([part])
        for _ in range(3):
            if work.owed.pieces:
                work.pay_facts()
        if number % 2:
            work.write([parts[0]])
            assert not work.is_paying
    pay_all(plain)
    pay_all(work)

    assert facts(work) == facts(plain)
    assert sums(work) == sums(plain)
