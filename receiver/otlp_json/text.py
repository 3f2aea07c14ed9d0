"""The text of an OTLP/JSON body → Python objects.

orjson reads what is strict JSON. What real senders add to it (a byte-order mark, NaN and Infinity as bare tokens,
numbers no double can hold, half of a surrogate pair) is read by the slower standard library, once orjson has said no.
"""

from __future__ import annotations

import codecs
import json
import re

import orjson

from receiver.errors import Malformed, TooLarge

MAX_CONTAINERS = 2_000_000
"""Objects and arrays of one body, brackets inside strings included. Spans of agents have one per 36 bytes, 1.9 million in
64 MiB; a body of nothing but `{}` would have one per 3 bytes and take 80 times its size of memory."""

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape of a JSON string, whole: a surrogate pair, half a pair, or any other."""


def read_object(body: bytes) -> dict[str, object]:
    """Parse the body; anything but one JSON object is refused."""
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise TooLarge(f"the body has more than {MAX_CONTAINERS} JSON objects and arrays; send smaller batches", MAX_CONTAINERS)
    value = _read(body.removeprefix(codecs.BOM_UTF8))
    if type(value) is not dict:
        raise Malformed(f"the body must be a JSON object, not {name_of_type(value)}")
    return value


def name_of_type(value: object) -> str:
    """Name the JSON type of a value for an error message."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _read(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_tolerantly(body)


def _read_tolerantly(body: bytes) -> object:
    if not body.strip():
        raise Malformed("the body is empty; an empty OTLP/JSON request is {}")
    try:
        text = _ESCAPE.sub(_without_lone_surrogate, body.decode("utf-8"))
        return json.loads(text, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not JSON: byte {error.start} is not UTF-8{_hint(body)}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise Malformed("the body is not readable: its JSON is nested too deeply") from None


def _without_lone_surrogate(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["lone"] else escape[0]


def _integer(digits: str) -> int | float:
    # No field is wider than 64 bits (20 characters): more digits are a double, as in the language the text is named after.
    return int(digits) if len(digits) <= 20 else float(digits)


def _hint(body: bytes) -> str:
    if body.startswith(b"\x1f\x8b"):
        return "; it looks like gzip: say so with Content-Encoding: gzip"
    return "; protobuf is sent with Content-Type: application/x-protobuf"
