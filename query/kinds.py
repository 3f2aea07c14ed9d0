"""Kinds of parameter values: how text from a query string becomes a value, and how OpenAPI describes that text.

`read` takes the text and the present time in nanoseconds and raises ValueError with the reason in words; the caller adds
which parameter it was. Every kind refuses what the store could not compare: NUL characters and numbers beyond 63 bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from query.cursors import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storage.contract import Position

MAX_TIME = 2**63 - 1
SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
SPAN_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_CODES = ("unset", "ok", "error")
AGGREGATES = ("sum", "avg", "min", "max", "last", "rate", "count", "p50", "p90", "p95", "p99")
SIGNALS = ("traces", "logs")

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 604_800 * 10**9,
}
_SECOND = 10**9
# Seconds reach this in the year 5138, milliseconds in 1973, microseconds and nanoseconds likewise one step further on.
_EPOCH_STEPS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
_RELATIVE = re.compile(r"-(\d{1,12})(s|m|h|d|w)", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}(\.\d{1,9})?", re.ASCII)
_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(ns|us|ms|s|m|h|d|w)?", re.ASCII)
# A "+" that was not percent-encoded arrives as a space, so a space before the offset is one.
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+\- ])(\d\d):?(\d\d))?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kind:
    schema: Mapping[str, Any]
    read: Callable[[str, int], Any]


def text(value: str, _now: int) -> str:
    if not value:
        raise ValueError("is empty; leave the parameter out to ask without it")
    return value


def time(value: str, now: int) -> int:
    """Nanoseconds since 1970. Dates that nanoseconds in 63 bits cannot hold become the first or the last one they can."""
    if value == "now":
        return now
    if match := _RELATIVE.fullmatch(value):
        return max(now - int(match[1]) * _UNITS[match[2]], 0)
    if _NUMBER.fullmatch(value):
        return _epoch(Decimal(value))
    if match := _RFC_3339.fullmatch(value):
        return _rfc_3339(match)
    raise ValueError(
        "is not a time: give RFC 3339 (2026-01-31T12:00:00Z), seconds, ms, µs or ns since 1970, "
        "or a time before now such as -15m, -24h, -7d"
    )


def _epoch(number: Decimal) -> int:
    for limit, factor in _EPOCH_STEPS:
        if number < limit:
            return min(int(number * factor), MAX_TIME)
    if number > MAX_TIME:
        raise ValueError("is later than the year 2262, the last one that nanoseconds in 63 bits reach")
    return int(number)


def _rfc_3339(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"is not a time: {error}") from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if sign is not None:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return min(max(seconds * _SECOND + int((fraction or "0").ljust(9, "0")), 0), MAX_TIME)


def interval(value: str, _now: int) -> int:
    """Nanoseconds; a number alone is seconds."""
    match = _DURATION.fullmatch(value)
    nanoseconds = int(Decimal(match[1]) * _UNITS[match[2] or "s"]) if match else 0
    if not 0 < nanoseconds <= MAX_TIME:
        raise ValueError("is not a length of time above zero: give a number and a unit, such as 30s, 1m, 5m, 1h, 1d")
    return nanoseconds


def milliseconds(value: str, _now: int) -> int:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number <= MAX_TIME // 10**6):
        raise ValueError("is not a number of milliseconds, zero or more")
    return int(number * 10**6)


def severity(value: str, _now: int) -> int:
    name = value.lower()
    if name.isdecimal() and name.isascii() and 1 <= int(name[:4]) <= 24:
        return int(name)
    match = re.fullmatch(r"(trace|debug|info|warn|warning|error|fatal)([1-4]?)", name)
    if match is None:
        raise ValueError("is not a severity: give trace, debug, info, warn, error or fatal, or a number from 1 to 24")
    return SEVERITIES[match[1].removesuffix("ing")] + int(match[2] or 1) - 1


def identifier(digits: int) -> Kind:
    def read(value: str, _now: int) -> str:
        if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", value):
            raise ValueError(f"is not an id: give {digits} hexadecimal digits")
        return value.lower()

    return Kind({"type": "string", "pattern": f"^[0-9a-fA-F]{{{digits}}}$"}, read)


def choice(names: tuple[str, ...]) -> Kind:
    def read(value: str, _now: int) -> str:
        if value not in names:
            raise ValueError(f"is not one of {', '.join(names)}")
        return value

    return Kind({"type": "string", "enum": list(names)}, read)


def numbered(names: tuple[str, ...]) -> Kind:
    """A name that OTLP numbers from zero; the number is taken as well."""

    def read(value: str, _now: int) -> int:
        if value.lower() in names:
            return names.index(value.lower())
        if value.isascii() and value.isdecimal() and len(value) < 4 and int(value) < len(names):
            return int(value)
        raise ValueError(f"is not one of {', '.join(names)}, nor their number from 0 to {len(names) - 1}")

    return Kind({"type": "string", "enum": [*names, *(str(number) for number in range(len(names)))]}, read)


def count(smallest: int, largest: int) -> Kind:
    def read(value: str, _now: int) -> int:
        if not (value.isascii() and value.isdecimal() and len(value) <= 9 and smallest <= int(value) <= largest):
            raise ValueError(f"is not a whole number from {smallest} to {largest}")
        return int(value)

    return Kind({"type": "integer", "minimum": smallest, "maximum": largest}, read)


def position(value: str, _now: int) -> Position:
    return decode(value)


def several(kind: Kind) -> Kind:
    """A list separated by commas."""

    def read(value: str, now: int) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(kind.read(part.strip(), now) for part in value.split(",")))

    return Kind({"type": "array", "items": kind.schema}, read)


TEXT = Kind({"type": "string", "minLength": 1}, text)
ANY_TEXT = Kind({"type": "string"}, lambda value, _now: value)
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
TIME = Kind(
    {"type": "string", "pattern": rf"^(now|-[0-9]{{1,12}}[smhdw]|[0-9]{{1,18}}(\.[0-9]{{1,9}})?|{_DATE}({_CLOCK})?)$"},
    time,
)
INTERVAL = Kind({"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,9})?(ns|us|ms|s|m|h|d|w)?$"}, interval)
MILLISECONDS = Kind({"type": "number", "minimum": 0, "maximum": MAX_TIME // 10**6}, milliseconds)
SEVERITY = Kind(
    {
        "type": "string",
        "pattern": "^([Tt]race|[Dd]ebug|[Ii]nfo|[Ww]arn|[Ww]arning|[Ee]rror|[Ff]atal)[1-4]?$|^[1-9]$|^1[0-9]$|^2[0-4]$",
    },
    severity,
)
# Two numbers of 63 bits each: the top bit of both is zero, and so are the last four of the text.
_CURSOR = "^[A-Za-f][A-Za-z0-9_-]{9}[ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9_-]{10}[AQgw]$"
CURSOR = Kind({"type": "string", "pattern": _CURSOR}, position)
