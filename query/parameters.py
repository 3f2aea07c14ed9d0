"""From a query string to the question that the store is asked.

`read` checks a request against the parameters of its route; the functions below it build the contract's questions from what
it read. Every refusal is a BadParameter that names the parameter, quotes the value and says why.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from storage.contract import AttributeFilter, LatencyQuery, LogQuery, MetricQuery, SpanQuery, TimeRange, TraceQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from query.question import Parameter, Route

ATTRIBUTE_PREFIX = "attr."
MAX_ATTRIBUTE_FILTERS = 20
MAX_INTERVALS = 11_000
_MAX_QUOTED = 200


class BadParameter(Exception):
    """`why` completes the sentence that begins with the parameter's name."""

    def __init__(self, name: str, value: str | None, why: str, suggestion: str | None = None) -> None:
        super().__init__(f"{name} {why}" if value is None else f"{name}={value[:_MAX_QUOTED]!r} {why}")
        self.name = name
        self.value = None if value is None else value[:_MAX_QUOTED]
        self.why = why
        self.suggestion = suggestion


class UnknownParameter(BadParameter):
    """The route has no parameter of this name; `suggestion` is the known name most like it."""

    def __init__(self, name: str, value: str, known: Iterable[str]) -> None:
        names = sorted(known)
        nearest = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known here: {', '.join(names) or 'none'}"
        super().__init__(name[:_MAX_QUOTED], value, f"is not a parameter of this path; {hint}", nearest[0] if nearest else None)


def read(route: Route, given: Iterable[tuple[str, str]], path_values: Mapping[str, str], now: int) -> dict[str, Any]:
    """The value of every parameter of the route (None where absent), and the attribute filters under "attributes"."""
    texts: dict[str, str] = {}
    filters: list[AttributeFilter] = []
    known = {parameter.name: parameter for parameter in route.parameters if not is_in_path(route, parameter)}
    for name, value in given:
        _check_text(name, value)
        if route.attributes and name.startswith(ATTRIBUTE_PREFIX):
            filters.append(_attribute_filter(name, value, len(filters)))
        elif name not in known:
            raise UnknownParameter(name, value, [*known, *([ATTRIBUTE_PREFIX + "<key>"] if route.attributes else [])])
        elif name in texts:
            raise BadParameter(name, value, "is given twice; give it once")
        else:
            texts[name] = value
    for name, value in path_values.items():
        _check_text(name, value)
    texts.update(path_values)
    values: dict[str, Any] = {parameter.name: _value(parameter, texts.get(parameter.name), now) for parameter in route.parameters}
    values["attributes"] = tuple(filters)
    _check_order(values, texts)
    return values


def is_in_path(route: Route, parameter: Parameter) -> bool:
    return f"{{{parameter.name}}}" in route.path


def _check_text(name: str, value: str) -> None:
    for part in (name, value):
        if "\0" in part or (not part.isascii() and any("\ud800" <= character <= "\udfff" for character in part)):
            raise BadParameter(name.replace("\0", "\\0")[:_MAX_QUOTED], value, "holds a character that no stored text can hold")


def _attribute_filter(name: str, value: str, already: int) -> AttributeFilter:
    key = name.removeprefix(ATTRIBUTE_PREFIX)
    if not key:
        raise BadParameter(name, value, "names no attribute; write attr.<key>=<value>")
    if already >= MAX_ATTRIBUTE_FILTERS:
        raise BadParameter(name, value, f"is one attribute filter too many; at most {MAX_ATTRIBUTE_FILTERS} are taken")
    return AttributeFilter(key, value)


def _value(parameter: Parameter, given: str | None, now: int) -> Any:
    text = parameter.default if given is None else given
    if text is None:
        if parameter.required:
            example = f", for example {parameter.name}={parameter.example}" if parameter.example else ""
            raise BadParameter(parameter.name, None, f"is required{example}")
        return None
    try:
        return parameter.kind.read(text, now)
    except ValueError as error:
        raise BadParameter(parameter.name, text, str(error)) from error


def _check_order(values: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    for low, high in (("start", "end"), ("min_duration_ms", "max_duration_ms")):
        smaller, larger = values.get(low), values.get(high)
        if smaller is not None and larger is not None and smaller > larger:
            raise BadParameter(low if low in texts else high, texts.get(low, texts.get(high)), f"makes {low} come after {high}")


def pinned(route: Route, given: Iterable[tuple[str, str]], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters as given, without the cursor, and with times before now written as the moments they mean."""
    times = {parameter.name for parameter in route.parameters if parameter.name in ("start", "end")}
    return [
        (name, str(values[name])) if name in times and values[name] >= 10**17 else (name, value)
        for name, value in given
        if name != "cursor"
    ]


def time_range(values: Mapping[str, Any]) -> TimeRange:
    return TimeRange(values["start"], values["end"])


def trace_query(values: Mapping[str, Any]) -> TraceQuery:
    status = values["status"]
    return TraceQuery(
        range=time_range(values),
        service=values["service"],
        operation=values["operation"],
        failed=None if status is None else status == "error",
        min_duration_ns=values["min_duration_ms"],
        max_duration_ns=values["max_duration_ms"],
        attributes=values["attributes"],
        text=values["q"],
        limit=values["limit"],
        after=values["cursor"],
    )


def span_query(values: Mapping[str, Any]) -> SpanQuery:
    return SpanQuery(
        range=time_range(values),
        service=values["service"],
        operation=values["operation"],
        kind=values["kind"],
        status=values["status"],
        min_duration_ns=values["min_duration_ms"],
        max_duration_ns=values["max_duration_ms"],
        trace_id=values["trace_id"],
        attributes=values["attributes"],
        text=values["q"],
        limit=values["limit"],
        after=values["cursor"],
    )


def log_query(values: Mapping[str, Any]) -> LogQuery:
    return LogQuery(
        range=time_range(values),
        service=values["service"],
        min_severity=values["severity"],
        text=values["q"],
        trace_id=values["trace_id"],
        span_id=values["span_id"],
        event=values["event"],
        attributes=values["attributes"],
        limit=values["limit"],
        after=values["cursor"],
    )


def latency_query(values: Mapping[str, Any]) -> LatencyQuery:
    if values["interval"] is not None and values["interval"] % (60 * 10**9):
        raise BadParameter("interval", None, "must be whole minutes here: latency is kept by the minute")
    return LatencyQuery(
        range=time_range(values),
        group_by=values["group_by"],
        service=values["service"],
        operation=values["operation"],
        interval_ns=_interval(values),
        limit=values["limit"],
    )


def metric_query(values: Mapping[str, Any]) -> MetricQuery:
    return MetricQuery(
        name=values["name"],
        aggregate=values["aggregate"],
        range=time_range(values),
        group_by=values["group_by"] or (),
        attributes=values["attributes"],
        service=values["service"],
        interval_ns=_interval(values),
        limit=values["limit"],
    )


def _interval(values: Mapping[str, Any]) -> int | None:
    interval: int | None = values["interval"]
    if interval is not None and (values["end"] - values["start"]) > interval * MAX_INTERVALS:
        raise BadParameter(
            "interval", None, f"cuts the range into more than {MAX_INTERVALS:,} parts; widen it, or narrow start and end"
        )
    return interval
