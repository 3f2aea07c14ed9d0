"""JSON values → the values of protobuf fields, one function per field type.

Each takes what ProtoJSON allows and what exporters send besides, and raises `UnreadableValue` for the rest, with a message
that says what was found and what is wanted.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, TypeAlias

from receiver.otlp_json.text import name_of_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import EnumDescriptor

    from receiver.otlp_json.outcome import Outcome

Scalar: TypeAlias = str | bool | int | float | bytes
Reader: TypeAlias = "Callable[[object, Outcome], Scalar]"

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_DOUBLE_NAMES = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_URL_SAFE = str.maketrans("-_", "+/")


class UnreadableValue(Exception):
    """A value does not fit its field. `path` grows from the field outwards while the error rises."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str | int] = []


class UnreadableEnvelope(UnreadableValue):
    """What holds the items is itself not readable, so nobody can say how many items are lost."""


def quoted(value: object) -> str:
    """Show a value in an error message: its type when it is a structure, else its first characters."""
    if isinstance(value, dict | list) or value is None:
        return name_of_type(value)
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def read_string(value: object, _outcome: Outcome) -> str:
    if type(value) is not str:
        raise UnreadableValue(f"expected a string, not {quoted(value)}")
    return value


def read_bool(value: object, _outcome: Outcome) -> bool:
    if type(value) is not bool:
        raise UnreadableValue(f"expected true or false, not {quoted(value)}")
    return value


def read_integer(value: object, _outcome: Outcome) -> int:
    """Read a number or a string of digits; never through a float, so nanoseconds stay exact."""
    if type(value) is int:
        return value
    if type(value) is str and len(value) <= 20 and value.removeprefix("-").isdecimal() and value.isascii():
        return int(value)
    number = _number_of_text(value) if type(value) is str else value
    if type(number) is float and number.is_integer():
        return int(number)
    raise UnreadableValue(f"expected an integer, not {quoted(value)}")


def read_double(value: object, _outcome: Outcome) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    number = _number_of_text(value) if type(value) is str else None
    if number is None:
        raise UnreadableValue(f"expected a number, not {quoted(value)}")
    return number


def _number_of_text(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else _DOUBLE_NAMES.get(text)


def read_base64(value: object, _outcome: Outcome) -> bytes:
    """Read standard or URL-safe base64, with or without padding."""
    if type(value) is not str:
        raise UnreadableValue(f"expected base64 text, not {quoted(value)}")
    digits = value.rstrip("=").translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(digits + "=" * (-len(digits) % 4), strict_mode=True)
    except ValueError:
        raise UnreadableValue(f"{quoted(value)} is not base64") from None


def enum_reader(enum: EnumDescriptor) -> Reader:
    """Read an enum by number, known or not, and by name, which the specification forbids and senders do."""
    numbers = {value.name: value.number for value in enum.values}

    def read_enum(value: object, outcome: Outcome) -> int:
        if type(value) is not str or _INTEGER.fullmatch(value):
            return read_integer(value, outcome)
        if value not in numbers:
            outcome.warn(f"unknown {enum.name} names are read as 0")
        return numbers.get(value, 0)

    return read_enum


def id_reader(size: int) -> Reader:
    """Read hexadecimal ids in either case; base64 is told by its padding, which an id of `size` bytes always needs."""
    base64_length = (size + 2) // 3 * 4
    padding = "=" * (-size % 3)

    def read_id(value: object, outcome: Outcome) -> bytes:
        if type(value) is not str:
            raise UnreadableValue(f"expected {size * 2} hexadecimal digits, not {quoted(value)}")
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        # fromhex skips spaces: only text without them is as long as its bytes say.
        if len(found) * 2 == len(value):
            return found
        if len(value) == base64_length and value.endswith(padding):
            outcome.warn("ids in base64 are accepted, but OTLP/JSON writes ids in hexadecimal")
            return read_base64(value, outcome)
        raise UnreadableValue(f"{quoted(value)} is not hexadecimal; an id is {size * 2} hexadecimal digits")

    return read_id
