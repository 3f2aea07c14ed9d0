"""Attribute values as senders write them → the type that is meant; None where a value cannot mean that.

Numbers come as strings, booleans as "true", JSON as a string within JSON, and sometimes a whole document where an id belongs.
Nothing here raises, and nothing that it returns is larger than its bound.
"""

from __future__ import annotations

from hashlib import blake2b
from math import isfinite
from typing import Any, Final

import orjson

LONGEST_TEXT: Final = 512
LONGEST_MESSAGE: Final = 4_096
LONGEST_JSON: Final = 64 * 1024
# A trillion tokens is more than any model was trained on in one call; a billion dollars more than any call cost.
MOST_TOKENS: Final = 10**12
MOST_DOLLARS: Final = 1e9
LONGEST_NS: Final = 2**62
_LARGEST_INTEGER: Final = 2**63 - 1
_REDACTED: Final = frozenset(("<redacted>", "[redacted]", "redacted", "[removed]"))
_TRUE: Final = frozenset(("true", "1", "yes"))
_FALSE: Final = frozenset(("false", "0", "no"))


def text(value: Any) -> str | None:
    """A name or an id. One that is too long keeps its beginning and gets a digest, so that two of them stay apart."""
    found = _as_text(value)
    if found is None or len(found) <= LONGEST_TEXT:
        return found
    digest = blake2b(found.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{found[: LONGEST_TEXT - 20]}…{digest}"


def _as_text(value: Any) -> str | None:
    match value:
        case str():
            return value or None
        case bool():
            return None
        case int() | float():
            return str(value) if isfinite(value) else None
        case [first, *_]:
            return _as_text(first) if isinstance(first, str) else None
    return None


def message(value: Any) -> str | None:
    """What an error says, up to 4,096 characters; a structure as its JSON."""
    if isinstance(value, dict):
        value = value.get("message") or dumped(value)
    found = value.strip() if isinstance(value, str) else _as_text(value)
    return found[:LONGEST_MESSAGE] if found else None


def number(value: Any) -> float | None:
    """Any finite number that is not negative."""
    match value:
        case bool():
            return None
        case int() | float():
            found = float(value) if abs(value) < MOST_DOLLARS * 1e9 else None
        case str() if len(value) <= 40:
            try:
                found = float(value)
            except ValueError:
                return None
        case _:
            return None
    return found if found is not None and isfinite(found) and found >= 0 else None


def count(value: Any) -> int | None:
    """A count of tokens: a whole number from 0 to a trillion."""
    if isinstance(value, str) and len(value) <= 20 and value.strip().isdecimal():
        value = int(value)
    found = number(value)
    if found is None or found > MOST_TOKENS or found != int(found):
        return None
    return int(found)


def integer(value: Any) -> int | None:
    """A whole number that SQLite can hold, sequence numbers and status codes."""
    if isinstance(value, str) and len(value) <= 20 and value.strip().isdecimal():
        value = int(value)
    match value:
        case bool():
            return None
        case int() if 0 <= value <= _LARGEST_INTEGER:
            return value
        case float() if value.is_integer() and 0 <= value < LONGEST_NS:
            return int(value)
    return None


def dollars(value: Any) -> float | None:
    found = number(value)
    return found if found is not None and found <= MOST_DOLLARS else None


def micro_dollars(value: Any) -> float | None:
    found = number(value)
    return None if found is None else dollars(found / 1e6)


def seconds(value: Any) -> float | None:
    found = number(value)
    return found if found is not None and found < LONGEST_NS / 1e9 else None


def milliseconds(value: Any) -> float | None:
    """Milliseconds as seconds."""
    found = number(value)
    return None if found is None else seconds(found / 1000)


def nanoseconds_of_ms(value: Any) -> int | None:
    found = milliseconds(value)
    return None if found is None else round(found * 1e9)


def flag(value: Any) -> bool | None:
    """True, False, or None where it says neither."""
    match value:
        case bool():
            return value
        case int():
            return value != 0
        case str():
            lowered = value.strip().lower()
            return True if lowered in _TRUE else False if lowered in _FALSE else None
    return None


def parsed(value: Any) -> Any:
    """JSON that came as a string, parsed; anything else, and a string that is no JSON object or array, as it is."""
    if not isinstance(value, str) or (value[:1] not in ("{", "[") and value.lstrip()[:1] not in ("{", "[")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object, however it came; {} for anything else."""
    found = parsed(value)
    return found if isinstance(found, dict) else {}


def strings(value: Any) -> list[str]:
    """A list of short texts: a list, JSON of a list, or one text."""
    found = parsed(value)
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in map(text, entries[:100]) if entry is not None]


def string_list(value: Any) -> str | None:
    """As `strings`, as JSON text; None for none."""
    found = strings(value)
    return dumped(found) if found else None


def content(value: Any) -> Any:
    """Content as it is; None where there is none, or where the sender put a word in its place."""
    if value in (None, "", [], {}):
        return None
    if isinstance(value, str) and len(value) < 12 and value.strip().lower() in _REDACTED:
        return None
    return value


def dumped(value: Any) -> str:
    """JSON text with sorted keys, the same for the same value."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONEncodeError, TypeError, ValueError):
        return "null"


def bounded(value: dict[str, Any]) -> str | None:
    """An object as JSON text of at most 64 KiB, else without its longest entries; None for {}."""
    if not value:
        return None
    found = dumped(value)
    if len(found) <= LONGEST_JSON:
        return found
    room = LONGEST_JSON // max(len(value), 1)
    short = {key: entry for key, entry in value.items() if len(key) + len(dumped(entry)) + 4 <= room}
    return dumped(short) if short else None
