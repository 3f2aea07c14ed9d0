"""Proves the answers of a store about traces, spans and logs against a plain search over the list of what was written.

Some thousand spans arrive out of order, so that blocks overlap and the tail is read too; every question is put page by page
until nothing follows, and the pages together must be the whole answer, newest first, nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from storage.contract import AttributeFilter, LogQuery, SpanQuery, TimeRange, TraceQuery
from tests.contract.told import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    Attribute,
    Log,
    Span,
    many_spans,
    reads_as,
    write_logs,
    write_spans,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from storage.contract import LogRecord, Page, SpanRecord, Store, TraceSummary

SPANS = many_spans(5_000)
TRACES: dict[str, list[Span]] = defaultdict(list)
for _span in SPANS:
    TRACES[_span.trace_id].append(_span)


async def all_pages(ask: Callable[[Any], Awaitable[Page[Any]]], query: Any, most: int = 100) -> list[Any]:
    items: list[Any] = []
    for _ in range(most):
        page = await ask(query)
        assert len(page.items) <= query.limit
        items += page.items
        if page.next is None:
            return items
        assert len(page.items) == query.limit
        query = replace(query, after=page.next)
    return items


def fits(span: Span, query: SpanQuery | TraceQuery) -> bool:
    """Operation, attributes and text, which one span has to meet."""
    text = (query.text or "").lower()
    texts = [span.name, span.status_message, *(value for value in span.attributes.values() if isinstance(value, str))]
    return (
        query.operation in (None, span.name)
        and all(reads_as(span.attributes.get(one.key), one.value) for one in query.attributes)
        and (not text or any(text in found.lower() for found in texts))
    )


def within(time: int, time_range: TimeRange) -> bool:
    return (time_range.start is None or time >= time_range.start) and (time_range.end is None or time < time_range.end)


def spans_that_fit(query: SpanQuery) -> list[str]:
    found = [
        span
        for span in SPANS
        if within(span.start, query.range)
        and fits(span, query)
        and query.service in (None, span.service)
        and query.kind in (None, span.kind)
        and query.status in (None, span.status or 0)
        and span.duration >= (query.min_duration_ns or 0)
        and span.duration <= (query.max_duration_ns or HOUR)
        and query.trace_id in (None, span.trace_id)
    ]
    return [span.span_id for span in sorted(found, key=lambda span: span.start, reverse=True)]


def traces_that_fit(query: TraceQuery) -> list[str]:
    found = []
    for trace_id, spans in TRACES.items():
        start = min(span.start for span in spans)
        duration = max(span.start + span.duration for span in spans) - start
        failed = any(span.status == 2 for span in spans)
        if (
            within(start, query.range)
            and any(fits(span, query) and (not query.operation or query.service in (None, span.service)) for span in spans)
            and (query.service is None or any(span.service == query.service for span in spans))
            and query.failed in (None, failed)
            and duration >= (query.min_duration_ns or 0)
            and duration <= (query.max_duration_ns or HOUR)
        ):
            found.append((start, trace_id))
    return [trace_id for _, trace_id in sorted(found, reverse=True)]


def wanted(**attributes: str) -> tuple[AttributeFilter, ...]:
    return tuple(AttributeFilter(key, value) for key, value in attributes.items())


TIMES = [
    TimeRange(),
    TimeRange(NOW - HOUR, NOW),
    TimeRange(NOW - 2 * HOUR, NOW - HOUR),
    TimeRange(None, NOW - 150 * MINUTE),
    TimeRange(NOW - 10 * MINUTE, None),
    TimeRange(NOW + HOUR, NOW + 2 * HOUR),
]
TRACE_QUESTIONS = {
    "all": TraceQuery(limit=200),
    "service": TraceQuery(service="bank"),
    "unknown service": TraceQuery(service="nobody"),
    "failed": TraceQuery(failed=True),
    "not failed": TraceQuery(failed=False, limit=200),
    "failed of a service": TraceQuery(service="mail", failed=True),
    "slow": TraceQuery(min_duration_ns=10 * SECOND, max_duration_ns=20 * SECOND),
    "operation": TraceQuery(operation="chat"),
    "operation of a service": TraceQuery(operation="chat", service="mail"),
    "attribute": TraceQuery(attributes=wanted(customer="c17")),
    "two attributes": TraceQuery(attributes=wanted(items="5", vip="true")),
    "attribute in a trace of a service": TraceQuery(attributes=wanted(vip="true"), service="mail"),
    "attribute of failed": TraceQuery(attributes=wanted(items="1"), failed=True, min_duration_ns=SECOND),
    "text": TraceQuery(text="C29"),
    "text with letters beyond ASCII": TraceQuery(text="zeitÜBERSCHREITUNG", attributes=wanted(items="2")),
    "nothing": TraceQuery(attributes=wanted(customer="c9999")),
}


@pytest.fixture
async def filled(store: Store) -> Store:
    await write_spans(store, SPANS)
    return store


async def test_traces(filled: Store) -> None:
    for name, question in TRACE_QUESTIONS.items():
        for time_range in TIMES:
            query = replace(question, range=time_range)
            found: list[TraceSummary] = await all_pages(filled.find_traces, query)
            assert [trace.trace_id for trace in found] == traces_that_fit(query), (name, time_range)


async def test_trace_summary(filled: Store) -> None:
    found: list[TraceSummary] = await all_pages(filled.find_traces, TraceQuery(service="shop", limit=500))
    for summary in found:
        spans = TRACES[summary.trace_id]
        root = next(span for span in spans if span.parent is None)
        assert (summary.root_name, summary.service) == (root.name, root.service)
        assert summary.services == tuple(sorted({span.service or "" for span in spans}))
        assert summary.start_time == min(span.start for span in spans)
        assert summary.end_time == max(span.start + span.duration for span in spans)
        assert (summary.span_count, summary.error_count) == (len(spans), sum(span.status == 2 for span in spans))


SPAN_QUESTIONS = {
    "all": SpanQuery(limit=500),
    "service": SpanQuery(service="bank", limit=100),
    "operation": SpanQuery(operation="chat", service="bank"),
    "kind": SpanQuery(kind=3, status=1),
    "failed": SpanQuery(status=2),
    "status unset": SpanQuery(status=0, attributes=wanted(vip="true")),
    "slow": SpanQuery(min_duration_ns=4 * SECOND, max_duration_ns=5 * SECOND, kind=2),
    "number": SpanQuery(attributes=wanted(items="5.0", customer="c5")),
    "attributes": SpanQuery(attributes=wanted(customer="c17", items="5", vip="false")),
    "text": SpanQuery(text="überSCHREI"),
    "trace": SpanQuery(trace_id=SPANS[2_000].trace_id, limit=2),
    "unknown trace": SpanQuery(trace_id="f" * 32),
}


async def test_spans(filled: Store) -> None:
    for name, question in SPAN_QUESTIONS.items():
        for time_range in TIMES:
            query = replace(question, range=time_range)
            found: list[SpanRecord] = await all_pages(filled.find_spans, query)
            assert [span.span_id for span in found] == spans_that_fit(query), (name, time_range)


async def test_span_record(filled: Store) -> None:
    page = await filled.find_spans(SpanQuery(limit=20))
    sent = {span.span_id: span for span in SPANS}
    for record in page.items:
        span = sent[record.span_id]
        assert (record.trace_id, record.name, record.kind, record.start_time) == (span.trace_id, span.name, span.kind, span.start)
        assert record.end_time - record.start_time == span.duration
        assert record.parent_span_id == (None if span.parent is None else f"{span.parent:016x}")
        assert record.resource.service_name == span.service


ODD: dict[str, Attribute] = {
    "plain": "value",
    "quoted": 'say "hi"\\ \n ü',
    "number": 5,
    "real": 0.1,
    "large": 1e20,
    "greatest": 2**63 - 1,
    "yes": True,
    "text number": "5",
    "bytes": b"\x00\xff",
    "nan": float("nan"),
    'key "with" quotes': "x",
}


@pytest.mark.parametrize(
    ("key", "text", "met"),
    [
        ("plain", "value", True),
        ("plain", "valu", False),
        ("plain", "Value", False),
        ("quoted", 'say "hi"\\ \n ü', True),
        ("number", "5", True),
        ("number", "5.0", True),
        ("number", "50", False),
        ("number", "05", True),
        ("real", "0.1", True),
        ("real", "1e-1", True),
        ("large", "1e20", True),
        ("large", "100000000000000000000", True),
        ("greatest", "9223372036854775807", True),
        ("yes", "true", True),
        ("yes", "1", False),
        ("text number", "5", True),
        ("text number", "5.0", False),
        ("bytes", "AP8=", True),
        ("nan", "NaN", True),
        ('key "with" quotes', "x", True),
        ("missing", "", False),
        ("missing", "null", False),
    ],
)
async def test_attribute_reads_as(store: Store, key: str, text: str, met: bool) -> None:
    spans = [Span(1, 1, attributes=ODD), *(Span(2, number, attributes={"other": "value"}) for number in range(2, 1_200))]
    await write_spans(store, spans)
    wanted_spans = await store.find_spans(SpanQuery(attributes=(AttributeFilter(key, text),)))
    wanted_traces = await store.find_traces(TraceQuery(attributes=(AttributeFilter(key, text),)))
    assert [span.span_id for span in wanted_spans.items] == ([spans[0].span_id] if met else [])
    assert [trace.trace_id for trace in wanted_traces.items] == ([spans[0].trace_id] if met else [])


async def test_attribute_of_the_resource_counts_for_its_spans(store: Store) -> None:
    await write_spans(
        store, [Span(1, 1, resource={"region": "eu", "zone": 3}), Span(2, 2, attributes={"region": "eu"}), Span(3, 3)]
    )
    found = await store.find_spans(SpanQuery(attributes=wanted(region="eu")))
    assert {span.span_id for span in found.items} == {f"{1:016x}", f"{2:016x}"}
    found = await store.find_spans(SpanQuery(attributes=wanted(region="eu", zone="3.0")))
    assert [span.span_id for span in found.items] == [f"{1:016x}"]


async def test_whole_trace(store: Store) -> None:
    spans = [Span(7, number, start=NOW + (number % 3) * SECOND, parent=1 if number > 1 else None) for number in range(1, 10)]
    logs = [Log(NOW + number, trace=trace) for number, trace in enumerate((7, 8, 7))]
    await write_spans(store, spans)
    await write_logs(store, logs)
    content = await store.trace(spans[0].trace_id)
    assert content is not None
    assert not content.truncated
    assert content.summary.span_count == 9
    assert [span.start_time for span in content.spans] == sorted(span.start for span in spans)
    assert [log.time for log in content.logs] == [NOW, NOW + 2]
    assert await store.trace(f"{8:032x}") is None
    assert await store.trace("not an id") is None


WORDS = ["Timeout", "while", "calling", "bank", "für", "user42", "failed"]


def many_logs() -> list[Log]:
    """Log records over an hour, two in order and one late."""
    logs = []
    for number in range(3_500):
        body = " ".join(WORDS[place] for place in range(7) if number >> place & 1) or "..."
        logs.append(
            Log(
                time=NOW - HOUR + number * SECOND - (20 * MINUTE if number % 3 == 0 else 0),
                body=body,
                service="bank" if number % 5 == 0 else "shop",
                severity=(0, 5, 9, 13, 17)[number % 5],
                severity_text="ERROR" if number % 10 == 0 else "",
                event="paid" if number % 50 == 0 else "",
                trace=number % 7 or None,
                attributes={"number": number % 100},
            )
        )
    return logs


LOGS = many_logs()


def severity(log: Log) -> int:
    return log.severity or (17 if log.severity_text else 0)


def words(*some: str) -> Callable[[Log], bool]:
    return lambda log: all(word in log.body.lower().split() for word in some)


LOG_QUESTIONS: list[tuple[LogQuery, Callable[[Log], bool]]] = [
    (LogQuery(limit=500), lambda _: True),
    (LogQuery(service="bank"), lambda log: log.service == "bank"),
    (LogQuery(min_severity=13), lambda log: severity(log) >= 13),
    (LogQuery(min_severity=17, service="bank"), lambda log: severity(log) >= 17 and log.service == "bank"),
    (LogQuery(event="paid"), lambda log: log.event == "paid"),
    (LogQuery(trace_id=f"{3:032x}", limit=100), lambda log: log.trace == 3),
    (LogQuery(attributes=wanted(number="17")), lambda log: log.attributes["number"] == 17),
    (LogQuery(text="timeout FÜR", limit=200), words("timeout", "für")),
    (LogQuery(text='"while calling" user*', limit=200), lambda log: "while calling" in log.body and "user42" in log.body),
    (
        LogQuery(text="bank", trace_id=f"{2:032x}", min_severity=9),
        lambda log: words("bank")(log) and log.trace == 2 and severity(log) >= 9,
    ),
    (LogQuery(text="..."), lambda log: "..." in log.body),
    (LogQuery(text="absent"), lambda _: False),
]


async def test_logs(store: Store) -> None:
    await write_logs(store, LOGS)
    for question, fit in LOG_QUESTIONS:
        for time_range in TIMES:
            query = replace(question, range=time_range)
            found: list[LogRecord] = await all_pages(store.find_logs, query)
            expected = sorted((log.time for log in LOGS if fit(log) and within(log.time, time_range)), reverse=True)
            assert [log.time for log in found] == expected, query


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '""',
        "AND",
        "a AND",
        "NOT x",
        "body:x",
        "NEAR(a b)",
        "a*b",
        "*",
        "x^2",
        "(",
        "a-b",
        "\0",
        "'",
        "{a b}: c",
        "+",
        '"open',
    ],
)
async def test_any_text_is_a_question_about_words(store: Store, text: str) -> None:
    """Nothing that a person types is taken for an operator of the search engine."""
    await write_logs(store, [Log(body="nothing of the kind")])
    assert (await store.find_logs(LogQuery(text=text))).items == []


def names(items: Sequence[Any]) -> list[str | None]:
    return [item.name for item in items]


async def test_summaries_come_in_the_order_asked_for(filled: Store) -> None:
    asked = [*sorted(TRACES, reverse=True)[:3], "f" * 32, min(TRACES)]
    found = await filled.trace_summaries(asked)
    assert [summary.trace_id for summary in found] == [trace_id for trace_id in asked if trace_id in TRACES]
    for summary in found:
        content = await filled.trace(summary.trace_id)
        assert content is not None
        assert content.summary == summary


async def test_services_and_operations(filled: Store) -> None:
    services = await filled.services(TimeRange())
    assert names(services) == ["bank", "mail", "shop"]
    for service in services:
        spans = [span for span in SPANS if span.service == service.name]
        assert (service.span_count, service.error_count) == (len(spans), sum(span.status == 2 for span in spans))
        assert service.first_seen <= min(span.start for span in spans)
        assert 0 < service.last_seen <= max(span.start for span in spans)
    minutes = TimeRange(NOW - 90 * MINUTE, NOW - 30 * MINUTE)
    operations = await filled.operations("bank", minutes)
    expected: dict[tuple[str | None, str, int], int] = defaultdict(int)
    for span in SPANS:
        if span.service == "bank" and within(span.start, minutes):
            expected[span.service, span.name, span.kind] += 1
    assert {(found.service, found.name, found.kind): found.span_count for found in operations} == expected


async def test_spans_without_a_service(store: Store) -> None:
    await write_spans(store, [Span(1, 1, service=None), Span(2, 2)])
    assert names(await store.services(TimeRange())) == [None, "shop"]
    assert [found.service for found in await store.operations(None, TimeRange())] == [None, "shop"]
    assert [trace.service for trace in (await store.find_traces(TraceQuery())).items] == ["shop", None]


async def test_trace_beyond_the_bound_is_cut_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The earliest spans are given, and the summary still counts all."""
    monkeypatch.setattr("storage.sqlite.reading.traces.MOST_SPANS", 450)
    await write_spans(store, [Span(5, number, start=NOW + number) for number in range(1, 601)])
    content = await store.trace(f"{5:032x}")
    assert content is not None
    assert content.truncated
    assert content.summary.span_count == 600
    assert [span.start_time for span in content.spans] == [NOW + number for number in range(1, 451)]


async def test_trace_with_more_text_than_the_bound_is_cut(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.reading.traces.MOST_BYTES", 50_000)
    await write_spans(store, [Span(5, number, start=NOW + number, attributes={"prompt": "x" * 9_000}) for number in range(1, 9)])
    content = await store.trace(f"{5:032x}")
    assert content is not None
    assert (content.truncated, len(content.spans)) == (True, 5)
