"""What the kernel remembers between requests: the rendered form of attributes, resources and scopes, by their bytes.

A miss on an attribute costs 0.8 µs, a hit 0.1. Everything remembered is bounded and forgotten all at once when the bound is
met, which costs less than keeping an order of use. Each process has its own memory; no thread but one uses it at a time.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.rows import values
from storage.rows.errors import Undecodable
from storage.rows.hashes import search_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Row

ATTRIBUTES_KEPT = 20_000
LONGEST_ATTRIBUTE_KEPT = 512
RESOURCES_KEPT = 2_000
# Attribute keys with this first character need the long form of docs/schema.md; the memory files them all under it.
SPECIAL = "$"

# Tags of AnyValue's string_value, bool_value and int_value.
_STRING, _BOOL, _INT = 0x0A, 0x10, 0x18


class Attribute(NamedTuple):
    """One attribute, rendered: `text` is `"key":value` as JSON, `hash` None where the value is no scalar."""

    key: str
    text: str
    hash: int | None


class _Attributes(dict[bytes, Attribute]):
    """KeyValue bytes → Attribute."""

    def __missing__(self, raw: bytes) -> Attribute:
        attribute = _short_attribute(raw) or _any_attribute(raw)
        if len(raw) <= LONGEST_ATTRIBUTE_KEPT:
            if len(self) >= ATTRIBUTES_KEPT:
                self.clear()
            self[raw] = attribute
        return attribute


class _Keys(dict[bytes, tuple[str, str]]):
    """The field `key` of a KeyValue, tag and length included → the key and its JSON form with the colon."""

    def __missing__(self, raw: bytes) -> tuple[str, str]:
        key = raw[2:].decode()
        found = (key, orjson.dumps(key).decode() + ":")
        if len(self) >= ATTRIBUTES_KEPT:
            self.clear()
        self[raw] = found
        return found


ATTRIBUTES = _Attributes()
_KEYS = _Keys()


def _short_attribute(raw: bytes) -> Attribute | None:
    """Reads what nearly every attribute is, a key and a scalar of less than 128 bytes, without a parser; else None."""
    size = len(raw)
    if size < 7 or size > 255 or raw[0] != 0x0A or raw[1] > 127:
        return None
    end = 2 + raw[1]
    if end + 4 > size or raw[end] != 0x12 or raw[end + 1] != size - end - 2:
        return None
    tag = raw[end + 2]
    try:
        key, opening = _KEYS[raw[:end]]
        if tag == _STRING and raw[end + 3] == size - end - 4:
            text = raw[end + 4 :].decode()
            rendered = orjson.dumps(text).decode()
        elif tag == _INT and raw[-1] < 128 and size - end <= 8:
            text = rendered = str(_varint(raw, end + 3))
        elif tag == _BOOL and size == end + 4:
            text = rendered = "true" if raw[end + 3] else "false"
        else:
            return None
    except UnicodeDecodeError as error:
        raise Undecodable(f"an attribute is not UTF-8: {error}") from error
    if key.startswith(SPECIAL):
        return None
    return Attribute(key, opening + rendered, search_hash(key, text))


def _varint(raw: bytes, position: int) -> int:
    value = shift = 0
    for byte in raw[position:]:
        value |= (byte & 127) << shift
        shift += 7
    return value


def _any_attribute(raw: bytes) -> Attribute:
    try:
        pair = KeyValue.FromString(raw)
    except DecodeError as error:
        raise Undecodable(f"an attribute is not a KeyValue: {error}") from error
    key = SPECIAL if pair.key.startswith(SPECIAL) else pair.key
    text = values.scalar_text(pair.value)
    hash_ = None if text is None else search_hash(pair.key, text)
    return Attribute(key, orjson.dumps(pair.key).decode() + ":" + values.value_text(pair.value), hash_)


def attributes_text(raws: Sequence[bytes]) -> str:
    """Attributes as the JSON object that is stored."""
    if not raws:
        return "{}"
    known = ATTRIBUTES
    texts = {attribute[0]: attribute[1] for attribute in [known[raw] for raw in raws]}
    if len(texts) == len(raws) and SPECIAL not in texts:
        return "{" + ",".join(texts.values()) + "}"
    return values.attributes_text([KeyValue.FromString(raw) for raw in raws])


def attribute_hashes(raws: set[bytes]) -> set[int]:
    """The search hashes of a set of attributes."""
    known = ATTRIBUTES
    return {found for found in [known[raw][2] for raw in raws] if found is not None}


class _Resources(dict[tuple[bytes | None, str], "Row"]):
    def __missing__(self, known_by: tuple[bytes | None, str]) -> Row:
        row = _resource_row(*known_by)
        if len(self) >= RESOURCES_KEPT:
            self.clear()
        self[known_by] = row
        return row


class _Scopes(dict[tuple[bytes | None, str], "Row"]):
    def __missing__(self, known_by: tuple[bytes | None, str]) -> Row:
        row = _scope_row(*known_by)
        if len(self) >= RESOURCES_KEPT:
            self.clear()
        self[known_by] = row
        return row


_RESOURCES = _Resources()
_SCOPES = _Scopes()


def resource_row(parts: Sequence[bytes], schema_url: str) -> Row:
    """The row (RESOURCE_COLUMNS) of a raw resource field."""
    return _RESOURCES[(b"".join(parts) if parts else None, schema_url)]


def scope_row(parts: Sequence[bytes], schema_url: str) -> Row:
    """The row (SCOPE_COLUMNS) of a raw scope field."""
    return _SCOPES[(b"".join(parts) if parts else None, schema_url)]


def canonical_hash(*parts: str | int | None) -> str:
    """128 bits over the parts; equal only for equal parts."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _resource_row(raw: bytes | None, schema_url: str) -> Row:
    if raw is None:
        return (canonical_hash(None, schema_url), *(None,) * 7, 0, None, schema_url or None)
    try:
        resource = Resource.FromString(raw)
    except DecodeError as error:
        raise Undecodable(f"a resource does not parse: {error}") from error
    attributes = values.attributes_text(resource.attributes)
    references = values.entity_references_text(resource.entity_refs)
    canonical = values.canonical_text(resource.attributes)
    lifted = {pair.key: pair.value.string_value for pair in resource.attributes}
    return (
        canonical_hash(canonical, resource.dropped_attributes_count, references, schema_url),
        lifted.get("service.name") or None,
        lifted.get("service.namespace") or None,
        lifted.get("service.version") or None,
        lifted.get("service.instance.id") or None,
        lifted.get("deployment.environment.name") or lifted.get("deployment.environment") or None,
        lifted.get("host.name") or None,
        attributes,
        resource.dropped_attributes_count,
        references,
        schema_url or None,
    )


def _scope_row(raw: bytes | None, schema_url: str) -> Row:
    if raw is None:
        return (canonical_hash(None, schema_url), None, None, None, 0, schema_url or None)
    try:
        scope = InstrumentationScope.FromString(raw)
    except DecodeError as error:
        raise Undecodable(f"a scope does not parse: {error}") from error
    canonical = values.canonical_text(scope.attributes)
    return (
        canonical_hash(scope.name, scope.version, canonical, scope.dropped_attributes_count, schema_url),
        scope.name,
        scope.version,
        values.attributes_text(scope.attributes),
        scope.dropped_attributes_count,
        schema_url or None,
    )
