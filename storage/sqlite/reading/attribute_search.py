"""What it takes for attributes to have a value: hashes that let a search skip blocks, needles for rows, and the exact test.

A filter is text, attributes are typed. "5" is met by the string "5", the integer 5 and the double 5.0; "true" by the string and
the boolean; bytes are met by their base64 text; arrays and maps by nothing.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from storage.rows.hashes import search_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import AttributeFilter

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
_MOST_DIGITS = 400  # of a number; longer text is a string
_NON_FINITE = frozenset(("NaN", "Infinity", "-Infinity"))


@dataclass(frozen=True, slots=True)
class WantedAttribute:
    """An AttributeFilter, made ready. Every stored object that has the value contains one of `needles`."""

    key: str
    text: str
    numbers: tuple[str, ...]
    hashes: tuple[bytes, ...]
    needles: tuple[str, ...]

    @staticmethod
    def of(attribute: AttributeFilter) -> WantedAttribute:
        key, text = attribute.key, attribute.value
        numbers = _number_texts(text)
        texts = dict.fromkeys((text, *numbers))
        hashes = tuple(hash_needle(search_hash(key, one)) for one in texts)
        return WantedAttribute(key, text, numbers, hashes, _needles(key, text, numbers))

    def matches(self, attributes: dict[str, Any]) -> bool:
        """`attributes` is the stored object, parsed."""
        match attributes.get(self.key):
            case str(value):
                return value == self.text
            case bool(value):
                return self.text == ("true" if value else "false")
            case int() | float() as number:
                return orjson.dumps(number).decode() in self.numbers
            case {"$double": str(name)} | {"$bytes": str(name)}:
                return name == self.text
        return False


def hash_needle(number: int) -> bytes:
    """A hash as it stands in block_hashes.hashes."""
    return array("I", (number,)).tobytes()


def scalar_group(json: str | None) -> str | None:
    """A value as stored → what it reads as; None for no value, JSON for arrays and maps."""
    match None if json is None else orjson.loads(json):
        case str(value) | {"$double": str(value)} | {"$bytes": str(value)}:
            return value
        case None:
            return None
    return json


def matches_all(wanted: Sequence[WantedAttribute], attributes: str | None, else_by_resource: Sequence[bool]) -> bool:
    """Whether attributes as stored have every value wanted; `else_by_resource` tells which the resource has anyway."""
    missing = [one for one, met in zip(wanted, else_by_resource, strict=True) if not met]
    if not missing or attributes is None:
        return not missing
    entries = orjson.loads(attributes)
    return all(one.matches(entries) for one in missing)


def _number_texts(text: str) -> tuple[str, ...]:
    """The forms in which a number that reads as `text` is stored: 5 and 5.0 for "5"."""
    if len(text) > _MOST_DIGITS or not _NUMBER.fullmatch(text):
        return ()
    real = float(text)
    whole = int(text) if text.lstrip("+-").isdigit() else int(real) if real.is_integer() else None
    integer = (str(whole),) if whole is not None and _LEAST_INTEGER <= whole <= _GREATEST_INTEGER else ()
    return (*integer, orjson.dumps(real).decode()) if abs(real) != float("inf") else integer


def _needles(key: str, text: str, numbers: Sequence[str]) -> tuple[str, ...]:
    opening = orjson.dumps(key).decode() + ":"
    needles = [opening + orjson.dumps(text).decode()]
    if numbers:
        needles.append(opening + _common_start(numbers))
    elif text in {"true", "false"}:
        needles.append(opening + text)
    if text in _NON_FINITE:
        needles.append(opening + '{"$')
    elif _BASE64.fullmatch(text):
        needles.append(f'{opening}{{"$bytes":{orjson.dumps(text).decode()}')
    return tuple(needles)


def _common_start(texts: Sequence[str]) -> str:
    """What all of `texts` begin with."""
    first, last = min(texts), max(texts)
    same = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]
