"""OTLP messages → OTLP/JSON text, as the specification writes it.

ProtoJSON (lowerCamelCase keys, 64-bit integers as strings, NaN and the infinities as strings, base64 bytes) with the two
deviations of OTLP: ids are lower-case hexadecimal and enums are numbers. Driven by the descriptors: a field that a newer
opentelemetry-proto adds is written without a change here.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from functools import cache
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from google.protobuf.message import Message

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"
Writer: TypeAlias = Callable[[Any], Json]

_HEXADECIMAL = frozenset(["trace_id", "span_id", "parent_span_id", "profile_id"])


def to_json(message: Message) -> bytes:
    """Write any OTLP message as one line of UTF-8 JSON text."""
    return orjson.dumps(_object(message))


def _object(message: Message) -> Json:
    keys_and_writers = _keys_and_writers(message.DESCRIPTOR)
    written: dict[str, Json] = {}
    for field, value in message.ListFields():
        key, write = keys_and_writers[field.number]
        written[key] = write(value)
    return written


@cache
def _keys_and_writers(descriptor: Any) -> dict[int, tuple[str, Writer]]:
    return {field.number: (field.json_name, _field_writer(field)) for field in descriptor.fields}


def _field_writer(field: FieldDescriptor) -> Writer:
    write = _element_writer(field)
    if not field.is_repeated:
        return write
    return lambda elements: [write(element) for element in elements]


def _element_writer(field: FieldDescriptor) -> Writer:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if field.name in _HEXADECIMAL else _base64
    return _WRITERS.get(field.cpp_type, _as_it_is)


def _base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _double(value: float) -> float | str:
    if isfinite(value):
        return value
    if isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _as_it_is(value: str | int | bool) -> str | int | bool:
    return value


_WRITERS: dict[int, Writer] = {
    FieldDescriptor.CPPTYPE_MESSAGE: _object,
    FieldDescriptor.CPPTYPE_INT64: str,
    FieldDescriptor.CPPTYPE_UINT64: str,
    FieldDescriptor.CPPTYPE_DOUBLE: _double,
    FieldDescriptor.CPPTYPE_FLOAT: _double,
}
