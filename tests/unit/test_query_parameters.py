"""A query string becomes exactly the question that it says, or a refusal that names the parameter and says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query import cursors, kinds, parameters, shapes
from query.parameters import BadParameter, UnknownParameter
from query.question import Parameter, Route
from query.routes import ROUTES
from storage.contract import AttributeFilter, Position, TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_700_000_000_123_456_789
SECOND = 10**9
BY_PATH = {route.path: route for route in ROUTES}
TRACES, SPANS, LOGS = BY_PATH["/api/traces"], BY_PATH["/api/spans"], BY_PATH["/api/logs"]
LATENCY, SERIES = BY_PATH["/api/latency"], BY_PATH["/api/metrics/query"]


def read(route: Route, *given: tuple[str, str]) -> dict[str, Any]:
    return parameters.read(route, given, {}, NOW)


def refusal(route: Route, *given: tuple[str, str]) -> BadParameter:
    with pytest.raises(BadParameter) as caught:
        read(route, *given)
    return caught.value


def reason_against(reading: Callable[[], object]) -> str | None:
    try:
        reading()
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("now", NOW),
        ("-15m", NOW - 15 * 60 * SECOND),
        ("-24h", NOW - 86_400 * SECOND),
        ("-7d", NOW - 7 * 86_400 * SECOND),
        ("-2w", NOW - 14 * 86_400 * SECOND),
        ("-999999999999d", 0),
        ("1700000000", 1_700_000_000 * SECOND),
        ("1700000000.5", 1_700_000_000_500_000_000),
        ("1700000000123", 1_700_000_000_123_000_000),
        ("1700000000123.25", 1_700_000_000_123_250_000),
        ("1700000000123456", 1_700_000_000_123_456_000),
        ("1700000000123456789", 1_700_000_000_123_456_789),
        ("2023-11-14T22:13:20Z", 1_700_000_000 * SECOND),
        ("2023-11-14t22:13:20.123456789z", NOW),
        ("2023-11-14T22:13:20.1Z", 1_700_000_000_100_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000 * SECOND),
        ("2023-11-14T23:13:20 01:00", 1_700_000_000 * SECOND),
        ("2023-11-14T17:13:20-0500", 1_700_000_000 * SECOND),
        ("2023-11-14 22:13:20", 1_700_000_000 * SECOND),
        ("2023-11-14", 1_699_920_000 * SECOND),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", kinds.MAX_TIME),
    ],
)
def test_a_time_is_read_in_every_form_with_its_nanoseconds(text: str, nanoseconds: int) -> None:
    assert read(TRACES, ("start", text))["start"] == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "15m",
        "-15",
        "-15y",
        "1e9",
        "0x10",
        "2023-13-01",
        "2023-02-30T00:00:00Z",
        "٣",
        "9" * 19,
        "9" * 40,
        "-9" * 20,
        "2023-11-14T25:00Z",
    ],
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    error = refusal(TRACES, ("end", text))
    assert (error.name, error.value) == ("end", text)
    assert "time" in error.why or "2262" in error.why


@given(st.integers(0, kinds.MAX_TIME))
def test_times_in_answers_can_be_asked_with(nanoseconds: int) -> None:
    """The RFC 3339 text of any stored time is read back as the same nanosecond."""
    assert kinds.time(shapes.time(nanoseconds), NOW) == nanoseconds


@given(st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001  the zone is added
def test_an_offset_names_the_same_moment(moment: datetime, minutes: int) -> None:
    zone = timedelta(minutes=minutes)
    sign, rest = ("-", -minutes) if minutes < 0 else ("+", minutes)
    text = f"{moment.isoformat()}{sign}{rest // 60:02d}:{rest % 60:02d}"
    exact = (moment.replace(tzinfo=UTC) - zone - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert kinds.time(text, NOW) == max(exact * 1000, 0)


@given(st.sampled_from(ROUTES), st.lists(st.tuples(st.text(), st.text()), max_size=5), st.data())
def test_nothing_but_a_refusal_comes_of_any_text(route: Route, junk: list[tuple[str, str]], data: st.DataObject) -> None:
    """Whatever stands in the query string, it is read or refused with the name of a parameter that was given or lacks."""
    names = st.sampled_from([parameter.name for parameter in route.parameters] or ["x"])
    pairs = junk + data.draw(st.lists(st.tuples(names, st.text()), max_size=3))
    try:
        parameters.read(route, pairs, {}, NOW)
    except BadParameter as refused:
        error = refused
    else:
        return
    given_names = {name.replace("\0", "\\0")[:200] for name, _ in pairs}
    assert error.name in given_names | {parameter.name for parameter in route.parameters if parameter.required}
    assert str(error).startswith(error.name)


@given(st.from_regex(kinds.INTERVAL.schema["pattern"], fullmatch=True))
def test_the_documented_pattern_of_lengths_of_time_is_what_is_read(text: str) -> None:
    assert (reason_against(lambda: kinds.interval(text, NOW)) or "above zero").count("above zero") == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("trace", 1),
        ("DEBUG", 5),
        ("info", 9),
        ("warn", 13),
        ("Warning", 13),
        ("error", 17),
        ("error2", 18),
        ("fatal4", 24),
        ("17", 17),
        ("1", 1),
    ],
)
def test_a_severity_is_a_name_or_a_number(text: str, number: int) -> None:
    assert read(LOGS, ("severity", text))["severity"] == number


@pytest.mark.parametrize("text", ["", "0", "25", "loud", "error5", "-1", "1.5", "٣", "9" * 4000])
def test_what_is_no_severity_is_refused(text: str) -> None:
    assert refusal(LOGS, ("severity", text)).name == "severity"


@given(st.integers(1, 24))
def test_severities_in_answers_can_be_asked_with(number: int) -> None:
    name = shapes.severity_name(number)
    assert name is not None
    assert kinds.severity(name, NOW) == number


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("0", 0), ("0.000001", 1), ("1.5", 1_500_000), ("250", 250_000_000), ("1e3", 10**9)]
)
def test_durations_keep_every_nanosecond(text: str, nanoseconds: int) -> None:
    assert parameters.trace_query(read(TRACES, ("min_duration_ms", text))).min_duration_ns == nanoseconds


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "-inf", "1s", "1e400", "sNaN"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert refusal(SPANS, ("max_duration_ms", text)).name == "max_duration_ms"


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("60", 60 * SECOND), ("1m", 60 * SECOND), ("0.5h", 1800 * SECOND), ("1d", 86_400 * SECOND)]
)
def test_intervals_have_units(text: str, nanoseconds: int) -> None:
    assert parameters.latency_query(read(LATENCY, ("interval", text))).interval_ns == nanoseconds


def test_latency_is_asked_in_whole_minutes() -> None:
    with pytest.raises(BadParameter, match=r"interval.*whole minutes"):
        parameters.latency_query(read(LATENCY, ("interval", "90s")))


def test_a_range_is_not_cut_into_too_many_parts() -> None:
    with pytest.raises(BadParameter, match=r"interval.*11,000"):
        parameters.metric_query(read(SERIES, ("name", "m"), ("aggregate", "sum"), ("interval", "1ms")))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("servce", "service"), ("min_duration", "min_duration_ms"), ("operation_name", "operation"), ("strat", "start")],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(name: str, nearest: str) -> None:
    error = refusal(TRACES, (name, "x"))
    assert isinstance(error, UnknownParameter)
    assert error.suggestion == nearest
    assert f"did you mean {nearest}?" in str(error)


def test_an_unknown_parameter_like_no_other_is_told_what_there_is() -> None:
    assert "known here: end, service, start" in str(refusal(BY_PATH["/api/operations"], ("zzz", "1")))


def test_a_parameter_given_twice_or_empty_is_refused() -> None:
    assert "twice" in refusal(TRACES, ("service", "a"), ("service", "b")).why
    assert "empty" in refusal(TRACES, ("service", "")).why


def test_a_missing_parameter_is_named_with_an_example() -> None:
    error = refusal(SERIES, ("aggregate", "sum"))
    assert str(error) == "name is required, for example name=http.server.request.duration"


@pytest.mark.parametrize("pair", [("service", "a\0b"), ("attr.a\0", "b"), ("q", "\ud800")])
def test_characters_that_no_stored_text_can_hold_are_refused(pair: tuple[str, str]) -> None:
    assert "character" in refusal(TRACES, pair).why


def test_the_start_comes_before_the_end() -> None:
    assert refusal(TRACES, ("start", "-1h"), ("end", "-2h")).name == "start"
    assert refusal(TRACES, ("min_duration_ms", "2"), ("max_duration_ms", "1")).name == "min_duration_ms"
    assert refusal(LATENCY, ("start", "2200-01-01")).name == "start"


def test_attribute_filters_repeat_and_keep_their_keys() -> None:
    query = parameters.trace_query(
        read(TRACES, ("attr.http.route", "/a"), ("attr.n", "5"), ("attr.n", ""), ("attr.attr.x=y", "="))
    )
    assert query.attributes == (
        AttributeFilter("http.route", "/a"),
        AttributeFilter("n", "5"),
        AttributeFilter("n", ""),
        AttributeFilter("attr.x=y", "="),
    )


def test_attribute_filters_are_bounded_and_named() -> None:
    assert "too many" in refusal(TRACES, *((f"attr.k{number}", "v") for number in range(21))).why
    assert refusal(TRACES, ("attr.", "v")).name == "attr."
    assert isinstance(refusal(BY_PATH["/api/services"], ("attr.k", "v")), UnknownParameter)


def test_a_whole_trace_question() -> None:
    values = read(
        TRACES, ("start", "-1h"), ("end", "now"), ("service", "shop"), ("operation", "GET /"), ("status", "error"), ("q", "x"),
        ("min_duration_ms", "1"), ("max_duration_ms", "2"), ("limit", "7"), ("cursor", cursors.encode(Position(5, 6))),
    )  # fmt: skip
    query = parameters.trace_query(values)
    assert (query.range, query.service, query.operation, query.failed) == (
        TimeRange(NOW - 3600 * SECOND, NOW),
        "shop",
        "GET /",
        True,
    )
    assert (query.min_duration_ns, query.max_duration_ns, query.text, query.limit) == (10**6, 2 * 10**6, "x", 7)
    assert query.after == Position(5, 6)


def test_a_question_with_nothing_given_is_unbounded_in_time_and_fifty_long() -> None:
    query = parameters.span_query(read(SPANS))
    assert (query.range, query.limit, query.after, query.attributes) == (TimeRange(), 50, None, ())
    assert (query.kind, query.status, query.text) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [("kind", "server", 2), ("kind", "SERVER", 2), ("kind", "5", 5), ("status", "error", 2), ("status", "unset", 0)],
)
def test_names_and_numbers_of_otlp_are_both_taken(name: str, text: str, number: int) -> None:
    assert read(SPANS, (name, text))[name] == number


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.5", "ten", "", "9" * 30, "٣"])
def test_the_limit_is_a_number_from_1_to_1000(text: str) -> None:
    assert "from 1 to 1000" in refusal(TRACES, ("limit", text)).why


def test_group_by_is_a_list() -> None:
    query = parameters.metric_query(read(SERIES, ("name", "m"), ("aggregate", "p95"), ("group_by", "a, b,a")))
    assert query.group_by == ("a", "b")
    assert query.range == TimeRange(NOW - 3600 * SECOND, NOW)


@given(st.integers(0, kinds.MAX_TIME), st.integers(0, kinds.MAX_TIME))
def test_a_cursor_comes_back_as_the_position_it_was_made_of(time: int, key: int) -> None:
    position = Position(time, key)
    assert cursors.decode(cursors.encode(position)) == position


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True)))
def test_a_text_that_no_cursor_was_made_of_is_refused(text: str) -> None:
    reason = reason_against(lambda: cursors.decode(text))
    assert "Link header" in reason if reason else cursors.encode(cursors.decode(text)) == text


def test_the_next_page_keeps_the_question_and_pins_its_times() -> None:
    given_pairs = [("start", "-1h"), ("service", "a&b ü"), ("attr.k", "v"), ("cursor", "old")]
    given_again = parameters.pinned(TRACES, given_pairs, read(TRACES, *given_pairs[:3]))
    link = cursors.next_link("/api/traces", given_again, Position(1, 2))
    kept = f"start={NOW - 3600 * SECOND}&service=a%26b+%C3%BC&attr.k=v"
    assert link == f'</api/traces?{kept}&cursor={cursors.encode(Position(1, 2))}>; rel="next"'


def test_every_parameter_is_described_with_an_example_that_can_be_asked() -> None:
    for route in ROUTES:
        for parameter in route.parameters:
            assert parameter.description.endswith((".", "`")), parameter
            for text in filter(None, (parameter.example, parameter.default)):
                parameter.kind.read(text, NOW)


def test_path_values_are_read_like_others() -> None:
    route = BY_PATH["/api/traces/{trace_id}"]
    assert parameters.read(route, [], {"trace_id": "AB" * 16}, NOW)["trace_id"] == "ab" * 16
    with pytest.raises(BadParameter, match=r"trace_id.*32 hexadecimal"):
        parameters.read(route, [], {"trace_id": "ab"}, NOW)


def test_a_parameter_of_the_path_cannot_be_given_in_the_query() -> None:
    route = Route("/x/{id}", ROUTES[0].handler, "x", parameters=(Parameter("id", kinds.TEXT, "x."),))
    with pytest.raises(UnknownParameter):
        parameters.read(route, [("id", "1")], {"id": "2"}, NOW)
