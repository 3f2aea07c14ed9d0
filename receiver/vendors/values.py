"""Vendor values → OTLP values: attributes, times, ids, severity. The rules are the same for every dialect.

A document's own text is kept beside these values, so a value that OTLP cannot hold may be shown in a weaker form here.
"""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValueList

from receiver.vendors.json_text import canonical_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    from receiver.vendors.dialect import Json

MAX_INT64 = 2**63 - 1
MIN_INT64 = -(2**63)
# Each level of JSON costs three levels of protobuf, and decoders stop at 100: deeper values are shown as JSON text.
MAX_VALUE_NESTING = 24
NANOSECONDS = 1_000_000_000
# Epoch numbers above this are milliseconds: as seconds they would lie after the year 2603.
MAX_EPOCH_SECONDS = 20_000_000_000

_SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARN": 13, "WARNING": 13, "ERROR": 17, "CRITICAL": 21, "FATAL": 21}
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def attributes(values: Mapping[str, Json]) -> Sequence[KeyValue]:
    """Attributes of a record. OTLP has no attribute without a name: an empty key stays in the body only."""
    return KeyValueList.FromString(encoded_attributes(values, _ITEM)).values


def encoded_value(value: Json, tag: bytes) -> bytes:
    """The value as a field of a message; the tag says which."""
    return _sized(tag, _encoded(value, 0))


def encoded_attributes(values: Mapping[str, Json], tag: bytes) -> bytes:
    """Each attribute as such a field."""
    return _encoded_pairs({key: value for key, value in values.items() if key} if "" in values else values, 0, tag)


def encoded_messages(messages: Iterable[bytes], tag: bytes) -> bytes:
    """Each message as such a field."""
    return b"".join([_sized(tag, message) for message in messages])


# Values are written as protobuf's own bytes: to build the same out of message objects takes four times as long (133 against
# 30 µs for an event of ten fields), and it is half of what a translation costs. The tags are those of AnyValue, ArrayValue,
# KeyValueList and KeyValue.
_STRING, _BOOL, _INT, _DOUBLE, _ARRAY, _KVLIST = b"\x0a", b"\x10", b"\x18", b"\x21", b"\x2a", b"\x32"
_ITEM, _KEY, _VALUE = b"\x0a", b"\x0a", b"\x12"
_SHORT = [bytes((number,)) for number in range(128)]
_REPEATED = 64
_pack_double = Struct("<d").pack


def _encoded(value: Json, level: int) -> bytes:
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        return scalar(value)
    if level >= MAX_VALUE_NESTING:
        return _encoded_text(canonical_text(value))
    if isinstance(value, list):
        return _sized(_ARRAY, b"".join([_sized(_ITEM, _encoded(item, level + 1)) for item in value]))
    assert isinstance(value, dict)
    return _sized(_KVLIST, _encoded_pairs(value, level + 1))


def _encoded_pairs(values: Mapping[str, Json], level: int, tag: bytes = _ITEM) -> bytes:
    pairs: list[bytes] = []
    for key, value in values.items():
        if type(value) is str and len(value) <= _REPEATED:
            pairs += (tag, _repeated_pair(key, value))
            continue
        inner = _encoded(value, level)
        size = len(inner)
        pair = _encoded_key(key) + (_SHORT[size] if size < 128 else _varint(size)) + inner
        size = len(pair)
        pairs += (tag, _SHORT[size] if size < 128 else _varint(size), pair)
    return b"".join(pairs)


@lru_cache(16_384)
def _repeated_pair(key: str, value: str) -> bytes:
    """With its length. Names, models, states and the like: on the log record and again on its span, and on the next record."""
    return _sized(b"", _encoded_key(key) + _sized(b"", _encoded_text(value)))


@lru_cache(4096)
def _encoded_key(key: str) -> bytes:
    """With the tag of the value behind it. The same few hundred keys come again and again."""
    return _sized(_KEY, clean_text(key).encode()) + _VALUE


def _encoded_text(text: str) -> bytes:
    data = text.encode() if text.isascii() else clean_text(text).encode()
    size = len(data)
    return _STRING + (_SHORT[size] if size < 128 else _varint(size)) + data


def _encoded_integer(value: int) -> bytes:
    if 0 <= value < 128:
        return _INT + _SHORT[value]
    if MIN_INT64 <= value <= MAX_INT64:
        return _INT + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    return _encoded_text(canonical_text(value))


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    str: _encoded_text,
    bool: lambda value: _BOOL + _SHORT[value],
    int: _encoded_integer,
    float: lambda value: _DOUBLE + _pack_double(value),
    type(None): lambda _: b"",
}


def _sized(tag: bytes, data: bytes) -> bytes:
    size = len(data)
    return tag + (_SHORT[size] if size < 128 else _varint(size)) + data


def _varint(number: int) -> bytes:
    if number < 16_384:
        return bytes((number & 127 | 128, number >> 7))
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def clean_text(text: str) -> str:
    """Text that protobuf can hold: a lone surrogate (JSON can spell one) becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def severity_number(level: str) -> int:
    """OTLP severity of a level's name; 0 (unspecified) for names that OTLP does not know."""
    return _SEVERITIES.get(level.upper(), 0)


def parse_time(value: Json) -> int | None:
    """ISO 8601 text → nanoseconds since the epoch; no zone means UTC; None when it is not a time.

    A time that OTLP cannot hold (before 1970, after 2262) is 0, which is OTLP's "unknown".
    """
    return _parsed_time(value) if isinstance(value, str) else None


@lru_cache(1024)
def _parsed_time(text: str) -> int | None:
    """A record often names the same time more than once."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, zone_hours, zone_minutes = match.groups()
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    offset = int(zone_hours or 0) * 3600 + int(zone_minutes or 0) * 60
    days = _days(year, month, day)
    if days is None or hours > 23 or minutes > 59 or seconds > 60 or offset >= 86400:
        return None
    shift = -offset if sign == "+" else offset
    total = days * 86400 + hours * 3600 + minutes * 60 + seconds + shift
    return representable(total * NANOSECONDS + (int(fraction[:9].ljust(9, "0")) if fraction else 0))


@lru_cache(1024)
def _days(year: str, month: str, day: str) -> int | None:
    """Since 1970; None for no day of the calendar."""
    try:
        return date(int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None


def parse_time_or_epoch(value: Json) -> int | None:
    """As `parse_time`, and epoch numbers (also as text): seconds, or milliseconds when too large for seconds."""
    number = value
    if isinstance(value, str):
        try:
            number = float(value) if "." in value else int(value)
        except ValueError:
            return parse_time(value)
    number = finite_number(number)
    if number is None:
        return None
    if abs(number) > MAX_INT64:
        return 0
    factor = NANOSECONDS // 1000 if abs(number) > MAX_EPOCH_SECONDS else NANOSECONDS
    whole = int(number)
    return representable(whole * factor + round((number - whole) * factor))


def representable(nanoseconds: int) -> int:
    return nanoseconds if 0 <= nanoseconds <= MAX_INT64 else 0


def iso_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % NANOSECONDS // 1_000_000:03d}Z"


def span_id_of(dialect: str, text: str) -> bytes:
    """16 hex digits are a span id; any other text is hashed to one, and so is the invalid all-zero id."""
    return _identifier(f"{dialect}:span:", text, 8)


def trace_id_of(dialect: str, text: str) -> bytes:
    """32 hex digits or a UUID are a trace id; any other text is hashed to one, and so is the invalid all-zero id."""
    return _identifier(f"{dialect}:trace:", text.replace("-", "") if _UUID.fullmatch(text) else text, 16)


def is_canonical_id(text: str, size: int) -> bool:
    """Whether the text is an OTLP id of `size` bytes, as OTLP writes it."""
    return len(text) == 2 * size and text == text.lower() and bool(_HEX.fullmatch(text)) and text.strip("0") != ""


def _identifier(prefix: str, text: str, size: int) -> bytes:
    if len(text) == 2 * size and _HEX.fullmatch(text) and text.strip("0"):
        return bytes.fromhex(text)
    return hashlib.sha256((prefix + text).encode("utf-8", "surrogatepass")).digest()[:size]


def finite_number(value: Json) -> float | int | None:
    """A number that is one: no boolean, no NaN, no infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer beyond the range of doubles
        return None


def share_of_one(percent: float) -> float:
    """12.5 % → 0.125. Rounded, because 55.3 / 100 is not the double nearest to 0.553."""
    return round(percent / 100, 12)


def whole_number(value: Json) -> int | None:
    """A count, whether sent as 5, 5.0 or "5"; None when it is none or does not fit into int64."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    number = finite_number(value)
    if number is None or number != int(number) or not MIN_INT64 <= number <= MAX_INT64:
        return None
    return int(number)
