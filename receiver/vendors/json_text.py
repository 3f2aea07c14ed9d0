"""Reads JSON without losing its text: every record comes with the exact characters it was sent as.

Bounds: UTF-8 only, at most 64 levels of nesting. Numbers keep all their digits (integers) or become doubles.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver.vendors.dialect import Json, JsonObject

MAX_NESTING = 64
# An answer quotes at most this much of what was wrong, so that a refused body is not sent back whole.
MAX_QUOTED_CHARACTERS = 500
_WHITESPACE = " \t\n\r"
_DECODER = json.JSONDecoder()
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class JsonFaultError(ValueError):
    """The text is not JSON that we read. `position` counts characters from the start of the body."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at character {position}")
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """A value and the exact text that it was read from."""

    text: str
    value: Json
    # Those of an array, where they were read one by one.
    elements: tuple[JsonRecord, ...] | None = None


def read_document(body: bytes) -> JsonRecord:
    """The whole body as one record; its text is the body, spaces and byte-order mark included."""
    text = _decode_utf8(body)
    if (array := _read_array(text)) is not None:
        return array
    value, end = _read_value(text, _skip_space(text, _start(text)))
    _expect_end(text, end)
    return JsonRecord(text, value)


def read_elements(document: JsonRecord, key: str | None = None) -> list[JsonRecord]:
    """Elements of the array that the document is (or holds under `key`), each with its own text."""
    if key is None and document.elements is not None:
        return list(document.elements)
    text = document.text
    position = _skip_space(text, _start(text))
    if key is None:
        return list(_elements_at(text, position))
    found: list[JsonRecord] = []
    for name, at in _members_at(text, position):
        if name == key:
            found = list(_elements_at(text, at))  # of repeated keys the last one counts, as in every JSON reader
    return found


def _read_array(text: str) -> JsonRecord | None:
    """An array read in one pass; None for what is none, or has a fault, of which the other way of reading says where."""
    position = _skip_space(text, _start(text))
    if text[position : position + 1] != "[":
        return None
    found: list[JsonRecord] = []
    try:
        position = _skip_space(text, position + 1)
        while text[position] != "]":
            value, end = _DECODER.raw_decode(text, position)
            found.append(JsonRecord(text[position:end], value))
            position = _skip_space(text, end)
            if text[position] == ",":
                position = _skip_space(text, position + 1)
                if text[position] == "]":
                    return None
            elif text[position] != "]":
                return None
    except (ValueError, IndexError, RecursionError):
        return None
    if _skip_space(text, position + 1) != len(text) or any(_may_be_deep(record) for record in found):
        return None
    return JsonRecord(text, [record.value for record in found], tuple(found))


def _may_be_deep(record: JsonRecord) -> bool:
    return record.text.count("{") + record.text.count("[") >= MAX_NESTING and _nesting(record.value) >= MAX_NESTING


def parse_text(text: str) -> Json:
    """Value of a JSON text that stands inside a document."""
    value, end = _read_value(text, _skip_space(text, 0))
    _expect_end(text, end)
    return value


def canonical_text(value: Json) -> str:
    """One text per document, whatever its spaces and order of keys. 5 and 5.0 differ, big integers keep their digits."""
    return _CANONICAL.encode(value)


def digest(dialect: str, *parts: Json) -> str:
    """SHA-256 (hex) of the dialect's name and the parts, unambiguous whatever characters the parts hold."""
    return hashlib.sha256(f"{dialect}\n{canonical_text(list(parts))}".encode("ascii")).hexdigest()


def quoted(value: Json) -> Json:
    """The value for an error message: itself when it is short, else the beginning of its text."""
    text = canonical_text(value)
    if len(text) > MAX_QUOTED_CHARACTERS:
        return text[:MAX_QUOTED_CHARACTERS] + "…"
    return text if "NaN" in text or "Infinity" in text else value


def text_of(value: Json) -> str:
    """A string as it is, anything else as JSON text."""
    return value if isinstance(value, str) else canonical_text(value)


def object_of(value: Json) -> JsonObject:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _decode_utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonFaultError("not UTF-8 text", error.start) from None


def _start(text: str) -> int:
    return 1 if text.startswith("\ufeff") else 0


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _WHITESPACE:
        position += 1
    return position


def _expect_end(text: str, position: int) -> None:
    if _skip_space(text, position) != len(text):
        raise JsonFaultError("Extra data", position)


def _read_value(text: str, position: int) -> tuple[Json, int]:
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise JsonFaultError(error.msg, error.pos) from None
    except RecursionError:
        raise JsonFaultError(f"nested deeper than {MAX_NESTING} levels", position) from None
    except ValueError:
        # the interpreter refuses to read integers of more than 4300 digits
        raise JsonFaultError("a number has too many digits", position) from None
    if text.count("{") + text.count("[") > MAX_NESTING and _nesting(value) > MAX_NESTING:
        raise JsonFaultError(f"nested deeper than {MAX_NESTING} levels", position)
    return value, end


def _nesting(value: Json) -> int:
    level, values = 0, [value]
    while True:
        values = [inner for outer in values for inner in _children(outer)]
        if not values or level > MAX_NESTING:
            return level
        level += 1


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _elements_at(text: str, position: int) -> Iterator[JsonRecord]:
    """Walk an array that is known to be well formed."""
    position = _skip_space(text, position + 1)
    while text[position] != "]":
        value, end = _DECODER.raw_decode(text, position)
        yield JsonRecord(text[position:end], value)
        position = _skip_space(text, end)
        if text[position] == ",":
            position = _skip_space(text, position + 1)


def _members_at(text: str, position: int) -> Iterator[tuple[str, int]]:
    """Walk an object that is known to be well formed: names and where their values begin."""
    position = _skip_space(text, position + 1)
    while text[position] != "}":
        name, end = _DECODER.raw_decode(text, position)
        value_at = _skip_space(text, _skip_space(text, end) + 1)
        yield name, value_at
        _, end = _DECODER.raw_decode(text, value_at)
        position = _skip_space(text, end)
        if text[position] == ",":
            position = _skip_space(text, position + 1)
