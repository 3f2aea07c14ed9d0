"""OTLP values ⇄ JSON text that keeps their types: 5, 5.0, "5", true, bytes, NaN and "no value" stay apart.

What JSON cannot say is said by an object whose one key begins with "$": {"$double": "NaN"}, {"$bytes": "<base64>"}, and
{"$kvlist": [[key, value], …]} for a map that repeats a key or has one that begins with "$". The JSON object of a record's
attributes has all keys plain, so that it can be searched by key; where that loses something, the entry "$list" has the
attributes as they were sent. docs/schema.md describes the form for readers.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, EntityRef, KeyValue, KeyValueList

from storage.rows.errors import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Entries that otlpd adds to the object of attributes; an attribute so named is in the "$list" only.
LIST = "$list"
# On log records: the field event_name was sent although the attribute `event.name` says the same.
EVENT_NAME_SENT = "$event_name"
_RESERVED = frozenset((LIST, EVENT_NAME_SENT))

# Levels of protobuf messages in one value. Parsers and serialisers stop at 100, and a value lies at most 9 deep in a request.
DEEPEST_VALUE = 88
_NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def json_of(value: AnyValue, depth: int = 0) -> Any:
    """The value as what orjson writes in the stored form; raises Undecodable where it is nested too deeply."""
    kind = value.WhichOneof("value")
    match kind:
        case "string_value" | "bool_value" | "int_value":
            return getattr(value, kind)
        case "double_value":
            return json_number(value.double_value)
        case "bytes_value":
            return {"$bytes": b64encode(value.bytes_value).decode()}
        case "array_value":
            _check_depth(depth + 2)
            return [json_of(item, depth + 2) for item in value.array_value.values]
        case "kvlist_value":
            _check_depth(depth + 3)
            return _json_of_map([(pair.key, json_of(pair.value, depth + 3)) for pair in value.kvlist_value.values])
    # No value, or one that indexes a string table that only profiles have.
    return None


def json_number(number: float) -> Any:
    """A double or an integer; NaN and the infinities, which JSON lacks, in their tagged form."""
    return number if isfinite(number) else {"$double": non_finite_text(number)}


def non_finite_text(number: float) -> str:
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _check_depth(depth: int) -> None:
    if depth > DEEPEST_VALUE:
        raise Undecodable(f"a value is nested deeper than {DEEPEST_VALUE} protobuf messages; send it as a JSON string")


def _json_of_map(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs) or any(key.startswith("$") for key in entries):
        return {"$kvlist": pairs}
    return entries


def number_of(tagged: Any) -> Any:
    """The inverse of `json_number`."""
    return _NON_FINITE[tagged["$double"]] if isinstance(tagged, dict) else tagged


def any_value(json: Any) -> AnyValue:
    """The inverse of `json_of`."""
    match json:
        case str():
            return AnyValue(string_value=json)
        case bool():
            return AnyValue(bool_value=json)
        case int():
            return AnyValue(int_value=json)
        case float():
            return AnyValue(double_value=json)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in json]))
    return AnyValue() if json is None else _value_of_object(json)


def _value_of_object(entries: dict[str, Any]) -> AnyValue:
    match entries:
        case {"$double": str(name)}:
            return AnyValue(double_value=_NON_FINITE[name])
        case {"$bytes": str(base64)}:
            return AnyValue(bytes_value=b64decode(base64))
        case {"$kvlist": list(pairs)}:
            return AnyValue(kvlist_value=KeyValueList(values=_key_values(pairs)))
    return AnyValue(kvlist_value=KeyValueList(values=_key_values(entries.items())))


def _key_values(pairs: Iterable[Iterable[Any]]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(json)) for key, json in pairs]


def value_text(value: AnyValue) -> str:
    """One value in the stored form."""
    return orjson.dumps(json_of(value)).decode()


def scalar_text(value: AnyValue) -> str | None:
    """What a scalar reads as in a search (5, 5.0, true, NaN; base64 for bytes); None for arrays, maps and no value."""
    json = json_of(value)
    match json:
        case str():
            return json
        case bool() | int() | float():
            return orjson.dumps(json).decode()
        case {"$double": str(text)} | {"$bytes": str(text)}:
            return text
    return None


def attributes_text(attributes: Iterable[KeyValue]) -> str:
    """Attributes as the JSON object that is stored."""
    pairs = [(pair.key, json_of(pair.value)) for pair in attributes]
    entries = dict(pairs)
    if len(entries) != len(pairs) or any(key.startswith("$") for key in entries):
        entries = {key: json for key, json in entries.items() if key not in _RESERVED}
        entries[LIST] = pairs
    return orjson.dumps(entries).decode()


def canonical_text(attributes: Iterable[KeyValue]) -> str:
    """The same text for the same attributes in any order; those that repeat a key stay in their own order."""
    return orjson.dumps(sorted(((pair.key, json_of(pair.value)) for pair in attributes), key=lambda pair: pair[0])).decode()


def mark_event_name_sent(attributes: str) -> str:
    """Attributes as stored, with the note that the field event_name was sent as well."""
    opening = "" if attributes == "{}" else ","
    return f'{attributes[:-1]}{opening}"{EVENT_NAME_SENT}":true}}'


def is_event_name_sent(attributes: str) -> bool:
    return EVENT_NAME_SENT in attributes and orjson.loads(attributes).get(EVENT_NAME_SENT) is True


def _pairs(entries: Mapping[str, Any]) -> Iterable[Iterable[Any]]:
    """Attributes as stored (parsed) → (key, value as JSON), as they were sent."""
    listed: list[list[Any]] | None = entries.get(LIST)
    if listed is not None:
        return listed
    return ((key, json) for key, json in entries.items() if key not in _RESERVED)


def attributes_from_json(entries: Mapping[str, Any] | None) -> list[KeyValue]:
    """Attributes as stored, parsed (those of events, links and exemplars lie in a larger text); [] for None."""
    return _key_values(_pairs(entries)) if entries else []


def attributes_from_text(text: str | None) -> list[KeyValue]:
    """The inverse of `attributes_text`; [] for None."""
    return attributes_from_json(orjson.loads(text)) if text else []


def plain(text: str | None) -> dict[str, Any]:
    """Attributes as stored → plain values for JSON answers: no tags, and of a repeated key the last."""
    return plain_attributes(orjson.loads(text)) if text else {}


def plain_attributes(entries: Mapping[str, Any] | None) -> dict[str, Any]:
    """As `plain`, of attributes that are parsed already."""
    return {key: plain_value(json) for key, json in _pairs(entries)} if entries else {}


def plain_value(json: Any) -> Any:
    """One value as stored (parsed) without tags: bytes as base64 text, NaN and the infinities as their names."""
    match json:
        case list():
            return [plain_value(item) for item in json]
        case {"$double": str(text)} | {"$bytes": str(text)}:
            return text
        case {"$kvlist": list(pairs)}:
            return {key: plain_value(item) for key, item in pairs}
        case dict():
            return {key: plain_value(item) for key, item in json.items()}
    return json


def plain_body(body: str | None, body_type: str | None) -> Any:
    """A log body as stored → the plain value for JSON answers."""
    if body is None or body_type == "string":
        return body
    return plain_value(orjson.loads(body))


def entity_references_text(references: Iterable[EntityRef]) -> str | None:
    """`Resource.entity_refs` as a JSON list; None when there are none."""
    entries = [
        {
            "schema_url": reference.schema_url,
            "type": reference.type,
            "id_keys": list(reference.id_keys),
            "description_keys": list(reference.description_keys),
        }
        for reference in references
    ]
    return orjson.dumps(entries).decode() if entries else None


def entity_references_from_text(text: str | None) -> list[EntityRef]:
    return [] if text is None else [EntityRef(**entry) for entry in orjson.loads(text)]
