"""What recorded and handwritten runs of agents hold is what the store keeps of them, in every order of arrival.

Each run goes in as it was sent and with its requests the other way round; every claim of its expectation is a test of its own.
Cut, shuffled and owed in any way, the same telemetry gives the same facts.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from proto_fixtures.agents import agent_fixture, agent_fixtures
from storage.rows import batch_of
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.writing.work import Work
from tests.contract.told_facts import differences, facts_of, metrics_of, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proto_fixtures.agents import AgentFixture

    Request = tuple[str, bytes]

RECEIVED = 1_796_000_000 * 10**9
ORDERS = ("as sent", "reversed")
# What an expectation says beside facts, or for another test.
NO_CLAIMS = frozenset(
    ("traps", "reading", "traces", "roots", "untold", "tolerance", "from_metrics", "from_roll_up", "handoffs", "must_hold")
)


def _requests(fixture: AgentFixture) -> list[Request]:
    return [(body.signal, body.message().SerializeToString()) for body in fixture.bodies]


def _work_on(path: Path) -> Work:
    connection = connect_writer(path)
    migrate(connection)
    work = Work(connection)
    work.load()
    return work


def _facts_as_said(path: Path) -> list[str]:
    """Everything but the numbers that the order of arrival gives."""
    return sorted(repr(sorted(fact.items(), key=str)) for fact in facts_of(path))


@cache
def _told(name: str, order: str) -> dict[str, Any]:
    requests = _requests(agent_fixture(name))
    with TemporaryDirectory() as directory:
        path = Path(directory) / "facts.db"
        work = _work_on(path)
        for signal, body in requests if order == "as sent" else reversed(requests):
            work.write([batch_of(signal, body, RECEIVED)])
        found = told(facts_of(path), metrics_of(path))
        work.connection.close()
    return found


def _claims() -> list[Any]:
    """Each claim of each fixture in each order."""
    found = []
    for fixture in agent_fixtures():
        for claim in fixture.expected:
            if claim in NO_CLAIMS:
                continue
            found += [pytest.param(fixture, claim, order, id=f"{fixture.name}-{claim}-{order}") for order in ORDERS]
    return found


@pytest.mark.parametrize(("fixture", "claim", "order"), _claims())
def test_what_was_sent_is_what_is_kept(fixture: AgentFixture, claim: str, order: str) -> None:
    found = _told(fixture.name, order)

    assert claim in found, "nothing to compare with"
    assert differences(fixture.expected, found, claim) == []


@pytest.mark.parametrize("fixture", agent_fixtures(), ids=lambda fixture: fixture.name)
def test_no_order_and_no_cut_changes_a_fact(tmp_path: Path, fixture: AgentFixture) -> None:
    """Each request as it was sent; then every record by itself, shuffled, in commits of any size, partly owed."""
    at_once = _work_on(tmp_path / "at_once.db")
    for signal, body in _requests(fixture):
        at_once.write([batch_of(signal, body, RECEIVED)])
    rng = random.Random(fixture.name)
    pieces = [piece for signal, body in _requests(fixture) for piece in _pieces(signal, body)]
    rng.shuffle(pieces)
    shuffled = _work_on(tmp_path / "shuffled.db")
    while pieces:
        group = [pieces.pop() for _ in range(min(rng.randint(1, 12), len(pieces)))]
        shuffled.write([batch_of(signal, body, RECEIVED) for signal, body in group], owe_facts=rng.random() < 0.4)
        if rng.random() < 0.3:
            shuffled.pay_facts()
    while shuffled.owed.pieces:
        shuffled.pay_facts()

    assert _facts_as_said(tmp_path / "shuffled.db") == _facts_as_said(tmp_path / "at_once.db")


def _pieces(signal: str, body: bytes) -> Iterator[Request]:
    """A request for every span and log record; those of metrics stay whole."""
    if signal == "traces":
        for span_owner in ExportTraceServiceRequest.FromString(body).resource_spans:
            for span_scope in span_owner.scope_spans:
                for span in span_scope.spans:
                    told_of = ScopeSpans(scope=span_scope.scope, schema_url=span_scope.schema_url, spans=[span])
                    owned = ResourceSpans(resource=span_owner.resource, scope_spans=[told_of])
                    yield signal, ExportTraceServiceRequest(resource_spans=[owned]).SerializeToString()
    elif signal == "logs":
        for log_owner in ExportLogsServiceRequest.FromString(body).resource_logs:
            for log_scope in log_owner.scope_logs:
                for record in log_scope.log_records:
                    said = ScopeLogs(scope=log_scope.scope, schema_url=log_scope.schema_url, log_records=[record])
                    logged = ResourceLogs(resource=log_owner.resource, scope_logs=[said])
                    yield signal, ExportLogsServiceRequest(resource_logs=[logged]).SerializeToString()
    else:
        yield signal, body
