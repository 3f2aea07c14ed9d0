"""OTLP values keep their types in JSON text that SQLite can search.

Proves the stored form value by value (cases 173-178 of the OTLP rules), that it is read back as it was for any value, that what
JSON cannot say is tagged, and that nesting is bounded.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from storage.rows import values
from storage.rows.errors import Undecodable
from storage.rows.memory import attributes_text as remembered_text

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

ARRAY = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=5), AnyValue(string_value="5"), AnyValue()]))
EXAMPLES = [
    (AnyValue(string_value="5"), '"5"'),
    (AnyValue(string_value=""), '""'),
    (AnyValue(string_value='a"\0\u2028\U0001f600'), '"a\\"\\u0000\u2028\U0001f600"'),
    (AnyValue(bool_value=True), "true"),
    (AnyValue(bool_value=False), "false"),
    (AnyValue(int_value=5), "5"),
    (AnyValue(int_value=0), "0"),
    (AnyValue(int_value=2**63 - 1), "9223372036854775807"),
    (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
    (AnyValue(double_value=5.0), "5.0"),
    (AnyValue(double_value=-0.0), "-0.0"),
    (AnyValue(double_value=1e16), "1e+16"),
    (AnyValue(double_value=1e308), "1e+308"),
    (AnyValue(double_value=5e-324), "5e-324"),
    (AnyValue(double_value=math.nan), '{"$double":"NaN"}'),
    (AnyValue(double_value=math.inf), '{"$double":"Infinity"}'),
    (AnyValue(double_value=-math.inf), '{"$double":"-Infinity"}'),
    (AnyValue(bytes_value=b"\x00\xff"), '{"$bytes":"AP8="}'),
    (AnyValue(bytes_value=b""), '{"$bytes":""}'),
    (AnyValue(), "null"),
    (ARRAY, '[5,"5",null]'),
    (AnyValue(array_value=ArrayValue()), "[]"),
    (AnyValue(kvlist_value=KeyValueList()), "{}"),
    (AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=ARRAY)])), '{"k":[5,"5",null]}'),
]


def map_of(*pairs: tuple[str, str]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=attributes(*pairs)))


def attributes(*pairs: tuple[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in pairs]


@pytest.mark.parametrize(("value", "text"), EXAMPLES, ids=[text for _, text in EXAMPLES])
def test_the_stored_form(value: AnyValue, text: str) -> None:
    assert values.value_text(value) == text
    assert values.any_value(orjson.loads(text)).SerializeToString() == value.SerializeToString()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (map_of(("a", "1"), ("a", "2")), '{"$kvlist":[["a","1"],["a","2"]]}'),
        (map_of(("$bytes", "AP8=")), '{"$kvlist":[["$bytes","AP8="]]}'),
        (map_of(("$kvlist", "x"), ("b", "y")), '{"$kvlist":[["$kvlist","x"],["b","y"]]}'),
    ],
)
def test_a_map_that_json_cannot_hold_is_a_list_of_pairs(value: AnyValue, text: str) -> None:
    """A repeated key, and keys that would read as a tag (case 177)."""
    assert values.value_text(value) == text
    assert values.any_value(orjson.loads(text)) == value


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (attributes(), "{}"),
        (attributes(("", "x")), '{"":"x"}'),
        (attributes(("a", "1"), ("b", "2"), ("a", "3")), '{"a":"3","b":"2","$list":[["a","1"],["b","2"],["a","3"]]}'),
        (attributes(("$a", "1")), '{"$a":"1","$list":[["$a","1"]]}'),
        (attributes(("$list", "1"), ("$event_name", "2")), '{"$list":[["$list","1"],["$event_name","2"]]}'),
    ],
)
def test_attributes_are_searchable_by_key_and_come_back(sent: list[KeyValue], text: str) -> None:
    """Of a repeated key the last is found by key, and the list as sent is beside it (cases 177 and 178)."""
    assert values.attributes_text(sent) == text
    assert values.attributes_from_text(text) == sent


def test_sqlite_reads_the_types_apart() -> None:
    """5, 5.0, "5" and true are four things to json_each, too (case 174)."""
    text = values.attributes_text(
        [
            KeyValue(key="int", value=AnyValue(int_value=5)),
            KeyValue(key="double", value=AnyValue(double_value=5)),
            KeyValue(key="text", value=AnyValue(string_value="5")),
            KeyValue(key="bool", value=AnyValue(bool_value=True)),
        ]
    )
    with closing(sqlite3.connect(":memory:")) as connection:
        found = dict(connection.execute("select key, type from json_each(?)", (text,)).fetchall())
    assert found == {"int": "integer", "double": "real", "text": "text", "bool": "true"}


def any_values() -> SearchStrategy[AnyValue]:
    keys = st.one_of(st.sampled_from(("$", "$list", "$bytes", "$double", "$kvlist", "a", "")), st.text(max_size=5))
    scalars = st.one_of(
        st.just(AnyValue()),
        st.builds(AnyValue, string_value=st.text()),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats().map(lambda number: math.nan if math.isnan(number) else number)),
        st.builds(AnyValue, bytes_value=st.binary()),
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
            st.lists(st.builds(KeyValue, key=keys, value=inner), max_size=4).map(
                lambda pairs: AnyValue(kvlist_value=KeyValueList(values=pairs))
            ),
        ),
        max_leaves=12,
    )


@given(any_values())
def test_any_value_comes_back(value: AnyValue) -> None:
    text = values.value_text(value)
    assert values.any_value(orjson.loads(text)).SerializeToString() == value.SerializeToString()


@given(st.lists(st.builds(KeyValue, key=st.sampled_from(("a", "b", "$a", "$list", "")), value=any_values()), max_size=5))
def test_any_attributes_come_back(sent: list[KeyValue]) -> None:
    text = values.attributes_text(sent)
    assert [pair.SerializeToString() for pair in values.attributes_from_text(text)] == [pair.SerializeToString() for pair in sent]
    assert remembered_text([pair.SerializeToString() for pair in sent]) == text


def wire_values() -> SearchStrategy[bytes]:
    """Bytes of an AnyValue as a careless or hostile encoder writes them: fields twice, long forms of numbers, cut short."""
    varint = st.lists(st.integers(128, 255), max_size=10).map(bytes)
    numbers = st.tuples(
        st.sampled_from((b"\x10", b"\x18", b"\x40", b"\x78")), varint, st.integers(0, 255).map(lambda last: bytes((last,)))
    )
    strings = st.binary(max_size=6).map(lambda text: b"\x0a" + bytes((len(text),)) + text)
    field = st.one_of(numbers.map(b"".join), strings, st.binary(max_size=3), st.just(b"\x21" + bytes(8)))
    return st.lists(field, max_size=3).map(b"".join)


@given(wire_values(), st.sampled_from((b"\x0a\x01k", b"\x0a\x01\xff", b"", b"\x0a\x01k\x0a\x01j", b"\x0a\x02$k")))
def test_the_short_way_reads_what_the_parser_reads(value: bytes, key: bytes) -> None:
    """Common attributes are read without a parser; whatever the bytes, the result is the parser's or the same refusal."""
    raw = key + b"\x12" + bytes((len(value),)) + value
    try:
        expected = values.attributes_text([KeyValue.FromString(raw)])
    except DecodeError:
        with pytest.raises(Undecodable):
            remembered_text([raw])
        return
    assert remembered_text([raw]) == expected


@given(st.lists(st.builds(KeyValue, key=st.text(max_size=4), value=any_values()), unique_by=lambda pair: pair.key))
def test_order_does_not_matter_for_what_attributes_are(sent: list[KeyValue]) -> None:
    """The canonical text, by which resources and streams are told apart, is one for all orders (case 186)."""
    assert values.canonical_text(sent) == values.canonical_text(sent[::-1])


def test_different_attributes_are_told_apart() -> None:
    texts = {values.canonical_text([KeyValue(key="k", value=value)]) for value, _ in EXAMPLES}
    assert len(texts) == len(EXAMPLES)
    first, last = attributes(("a", "1"), ("a", "2")), attributes(("a", "2"), ("a", "1"))
    assert values.canonical_text(first) != values.canonical_text(last)


@pytest.mark.parametrize("inner", [AnyValue(string_value_strindex=3), AnyValue()])
def test_an_index_into_no_table_is_no_value(inner: AnyValue) -> None:
    """Case 176: what only profiles can resolve is absent, and the attribute stays."""
    assert values.attributes_text([KeyValue(key="k", value=inner)]) == '{"k":null}'
    assert values.attributes_text([KeyValue(key_strindex=2, value=AnyValue(int_value=1))]) == '{"":1}'


def nested(levels: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(levels):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


def test_nesting_is_bounded() -> None:
    """The deepest value that is kept fits into a request again; one level more is refused with what to do."""
    deepest = nested(values.DEEPEST_VALUE // 2)
    assert values.any_value(orjson.loads(values.value_text(deepest))) == deepest
    with pytest.raises(Undecodable, match="send it as a JSON string"):
        values.value_text(nested(values.DEEPEST_VALUE // 2 + 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(string_value="x"), "x"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(int_value=-5), "-5"),
        (AnyValue(double_value=5.0), "5.0"),
        (AnyValue(double_value=math.nan), "NaN"),
        (AnyValue(bytes_value=b"\x00\xff"), "AP8="),
        (AnyValue(), None),
        (ARRAY, None),
        (map_of(("a", "1")), None),
    ],
)
def test_what_a_value_reads_as_in_a_search(value: AnyValue, text: str | None) -> None:
    assert values.scalar_text(value) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":"3","b":{"$double":"NaN"},"$list":[["a","1"],["b",{"$double":"NaN"}],["a","3"]]}', {"a": "3", "b": "NaN"}),
        ('{"k":[{"$bytes":"AP8="},{"$kvlist":[["$x",1],["$x",2]]},{"m":null}]}', {"k": ["AP8=", {"$x": 2}, {"m": None}]}),
        ('{"event.name":"e","$event_name":true}', {"event.name": "e"}),
        ("{}", {}),
        (None, {}),
    ],
)
def test_plain_values_have_no_tags(text: str | None, expected: dict[str, Any]) -> None:
    assert values.plain(text) == expected


@pytest.mark.parametrize(
    ("body", "body_type", "expected"),
    [("[1]", "string", "[1]"), ("[1]", "array", [1]), ("null", "empty", None), (None, None, None), ("5.0", "double", 5.0)],
)
def test_plain_bodies(body: str | None, body_type: str | None, expected: Any) -> None:
    assert values.plain_body(body, body_type) == expected
