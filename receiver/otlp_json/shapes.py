"""How each OTLP message is filled from JSON: tables made once from the protobuf descriptors.

A `Shape` knows the fields of one message by their JSON key. What OTLP/JSON does otherwise than ProtoJSON, and what old or
careless senders write, stands in the small tables below; everything else follows from the descriptors, so a field that a
newer opentelemetry-proto adds is read without a change here.

Messages are filled on three levels. Plain messages: an unreadable value raises. Items (spans, log records, points): an
unreadable value costs that item. Envelopes (what holds items): an unreadable value costs the items inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from google.protobuf.descriptor import FieldDescriptor

from receiver.otlp_json import values
from receiver.otlp_json.values import Reader, UnreadableEnvelope, UnreadableValue, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from receiver.otlp_json.outcome import Outcome

Filler: TypeAlias = "Callable[[Message, Any, Outcome, int], None]"
"""Sets one field of the message from a JSON value that is not null; the number is the depth of the message."""

MAX_DEPTH = 100
"""Messages within messages below the request: protobuf's own decoder takes as many."""

ITEM_MESSAGES = frozenset(
    ["Span", "LogRecord", "NumberDataPoint", "HistogramDataPoint", "ExponentialHistogramDataPoint", "SummaryDataPoint"],
)

_ID_SIZES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}

_INTEGER_OR_DOUBLE = {"int_value": "double_value", "as_int": "as_double"}
"""JavaScript writes every integral number as an integer, also those that only a double can hold."""

_OLD_KEYS = {
    "scopeSpans": "instrumentationLibrarySpans",
    "scopeMetrics": "instrumentationLibraryMetrics",
    "scopeLogs": "instrumentationLibraryLogs",
    "scope": "instrumentationLibrary",
}
"""Keys that senders before 2022 write."""

_READERS: dict[int, tuple[type, Reader]] = {
    FieldDescriptor.CPPTYPE_STRING: (str, values.read_string),
    FieldDescriptor.CPPTYPE_BOOL: (bool, values.read_bool),
    FieldDescriptor.CPPTYPE_DOUBLE: (float, values.read_double),
    FieldDescriptor.CPPTYPE_FLOAT: (float, values.read_double),
    FieldDescriptor.CPPTYPE_INT32: (int, values.read_integer),
    FieldDescriptor.CPPTYPE_INT64: (int, values.read_integer),
    FieldDescriptor.CPPTYPE_UINT32: (int, values.read_integer),
    FieldDescriptor.CPPTYPE_UINT64: (int, values.read_integer),
}


class Shape:
    """The fields of one message by JSON key, and where items lie below it."""

    __slots__ = ("aliases", "descriptor", "fields", "is_envelope", "is_item", "oneofs", "routes")

    def __init__(self, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.is_item = descriptor.name in ITEM_MESSAGES
        self.is_envelope = False
        # Key → (name in protobuf, type that protobuf takes as it is, filler for any other value).
        self.fields: dict[str, tuple[str, type | None, Filler]] = {}
        self.aliases: dict[str, str] = {}
        self.oneofs: dict[str, str] = {}
        self.routes: dict[str, Shape] = {}


class Shapes:
    """One shape per message that is reachable from the given ones, all made at once so that threads only read."""

    def __init__(self, *roots: type[Message]) -> None:
        self._by_name: dict[str, Shape] = {}
        for root in roots:
            self._add(cast("Descriptor", root.DESCRIPTOR))
        for shape in self._by_name.values():
            self._fill_tables(shape)

    def of(self, message: type[Message]) -> Shape:
        return self._by_name[message.DESCRIPTOR.full_name]

    def _add(self, descriptor: Descriptor) -> bool:
        """Add the message and what it holds; return whether items lie below it."""
        if descriptor.full_name in self._by_name:
            return self._by_name[descriptor.full_name].is_envelope
        shape = self._by_name[descriptor.full_name] = Shape(descriptor)
        for field in descriptor.fields:
            inner = field.message_type
            if inner is not None and (self._add(inner) or self._by_name[inner.full_name].is_item):
                shape.is_envelope = not shape.is_item
        return shape.is_envelope

    def _fill_tables(self, shape: Shape) -> None:
        for field in shape.descriptor.fields:
            key, old_key = field.json_name, _OLD_KEYS.get(field.json_name, field.json_name)
            shape.fields[key] = self._entry(shape, field)
            shape.aliases.update({alias: key for alias in (field.name, old_key) if alias != key})
            if field.containing_oneof is not None and len(field.containing_oneof.fields) > 1:
                shape.oneofs.update(dict.fromkeys((key, field.name), field.containing_oneof.name))
            if field.message_type is not None:
                inner = self._by_name[field.message_type.full_name]
                if inner.is_item or inner.is_envelope:
                    shape.routes.update(dict.fromkeys((key, field.name, old_key), inner))

    def _entry(self, shape: Shape, field: FieldDescriptor) -> tuple[str, type | None, Filler]:
        name = field.name
        if field.message_type is not None:
            return name, None, self._message_filler(field, self._by_name[field.message_type.full_name])
        exact, reader = _scalar_reader(field)
        if field.is_repeated:
            return name, None, _list_filler(name, reader)
        if name in _ID_SIZES and shape.descriptor.name != "Span":
            return name, None, _optional_id_filler(name, reader)
        if name in _INTEGER_OR_DOUBLE:
            return name, exact, _integer_or_double_filler(name)
        return name, exact, _scalar_filler(name, reader)

    def _message_filler(self, field: FieldDescriptor, shape: Shape) -> Filler:
        name, key = field.name, field.json_name
        if not field.is_repeated:
            return _envelope_filler(name, key, shape) if shape.is_envelope else _object_filler(name, shape)
        if shape.is_item or shape.is_envelope:
            return _items_filler(name, key, shape)
        if name == "attributes" and shape.descriptor.name == "KeyValue":
            return _attributes_filler(shape, self._by_name["opentelemetry.proto.common.v1.AnyValue"])
        return _objects_filler(name, shape)


def _scalar_reader(field: FieldDescriptor) -> tuple[type | None, Reader]:
    if field.enum_type is not None:
        return int, values.enum_reader(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        size = _ID_SIZES.get(field.name)
        return None, values.id_reader(size) if size else values.read_base64
    return _READERS[field.cpp_type]


def fill(message: Message, given: dict[str, Any], shape: Shape, outcome: Outcome, depth: int) -> None:
    """Set the fields of `message` from a JSON object; keys that OTLP does not know are passed over."""
    if depth > MAX_DEPTH:
        raise UnreadableEnvelope(f"more than {MAX_DEPTH} messages within each other")
    fields = shape.fields
    if shape.oneofs and len(given) > 1 and len(shape.oneofs.keys() & given.keys()) > 1:
        given = _without_losers(given, shape, outcome)
    key = ""
    try:
        for key, value in given.items():
            field = fields.get(key)
            if field is None:
                known = shape.aliases.get(key)
                # lowerCamelCase is the valid form: it wins over the others.
                if known is None or given.get(known) is not None:
                    continue
                field = fields[known]
            name, exact, filler = field
            if type(value) is exact:
                try:
                    setattr(message, name, value)
                except ValueError:
                    filler(message, value, outcome, depth)
            elif value is not None:
                filler(message, value, outcome, depth)
    except UnreadableValue as error:
        error.path.append(key)
        raise


def _without_losers(given: dict[str, Any], shape: Shape, outcome: Outcome) -> dict[str, Any]:
    """Keep the last of several alternatives of a oneof. Items of the others are rejected."""
    winners = {
        shape.oneofs[key]: key
        for key, value in given.items()
        if key in shape.oneofs and value is not None and given.get(shape.aliases.get(key, "")) is None
    }
    kept = {key: value for key, value in given.items() if winners.get(shape.oneofs.get(key, ""), key) == key}
    lost = {key: value for key, value in given.items() if key not in kept and value is not None}
    if lost:
        alternatives = ", ".join([*lost, *winners.values()])
        problem = f"{shape.descriptor.name} has several alternatives ({alternatives}): the last one is kept"
        outcome.warn(problem)
        if items := count_items(lost, shape):
            outcome.reject(items, [next(iter(lost))], problem)
    return kept


def count_items(given: object, shape: Shape) -> int:
    """Count the items below an envelope that cannot be read."""
    if shape.is_item:
        return 1
    if not isinstance(given, dict):
        return 0
    count = 0
    for key, value in given.items():
        inner = shape.routes.get(key)
        if inner is not None:
            elements = value if isinstance(value, list) else [value]
            count += sum(count_items(element, inner) for element in elements if element is not None)
    return count


def _scalar_filler(name: str, reader: Reader) -> Filler:
    def fill_scalar(message: Message, value: Any, outcome: Outcome, _depth: int) -> None:
        read = reader(value, outcome)
        try:
            setattr(message, name, read)
        except ValueError:
            raise UnreadableValue(f"{quoted(value)} is out of range") from None

    return fill_scalar


def _integer_or_double_filler(name: str) -> Filler:
    def fill_number(message: Message, value: Any, outcome: Outcome, _depth: int) -> None:
        try:
            setattr(message, name, values.read_integer(value, outcome))
        except (ValueError, UnreadableValue):
            setattr(message, _INTEGER_OR_DOUBLE[name], values.read_double(value, outcome))

    return fill_number


def _optional_id_filler(name: str, reader: Reader) -> Filler:
    """Leave an unreadable id out: the record means something without its association, a span does not."""

    def fill_id(message: Message, value: Any, outcome: Outcome, _depth: int) -> None:
        try:
            setattr(message, name, reader(value, outcome))
        except UnreadableValue as error:
            outcome.warn(f"{message.DESCRIPTOR.name} without its {name}: {error.problem}")

    return fill_id


def _list_filler(name: str, reader: Reader) -> Filler:
    def fill_list(message: Message, value: Any, outcome: Outcome, _depth: int) -> None:
        elements = _list_of(value)
        try:
            getattr(message, name).extend([reader(element, outcome) for element in elements if element is not None])
        except ValueError:
            raise UnreadableValue("an element is out of range") from None

    return fill_list


def _object_filler(name: str, shape: Shape) -> Filler:
    def fill_object(message: Message, value: Any, outcome: Outcome, depth: int) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        if type(value) is not dict:
            raise UnreadableValue(_wanted(shape, value))
        fill(inner, value, shape, outcome, depth + 1)

    return fill_object


def _envelope_filler(name: str, key: str, shape: Shape) -> Filler:
    fill_object = _object_filler(name, shape)

    def fill_envelope(message: Message, value: Any, outcome: Outcome, depth: int) -> None:
        outcome.trail.append(key)
        fill_object(message, value, outcome, depth)
        outcome.trail.pop()

    return fill_envelope


def _objects_filler(name: str, shape: Shape) -> Filler:
    def fill_objects(message: Message, value: Any, outcome: Outcome, depth: int) -> None:
        add = getattr(message, name).add
        elements, index = _list_of(value), 0
        try:
            for index, element in enumerate(elements):  # noqa: B007  # the handler below names the element
                _fill_element(add, element, shape, outcome, depth + 1)
        except UnreadableValue as error:
            error.path.append(index)
            raise

    return fill_objects


def _fill_element(add: Callable[[], Message], element: Any, shape: Shape, outcome: Outcome, depth: int) -> None:
    if type(element) is dict:
        fill(add(), element, shape, outcome, depth)
    elif element is not None:
        raise UnreadableValue(_wanted(shape, element))


def _attributes_filler(shape: Shape, value_shape: Shape) -> Filler:
    """Fill `attributes` as any objects, with the two levels of {key, value: {stringValue}} unrolled.

    Attributes are two thirds of a span; unrolled, the whole span is read in 0.75 of the time.
    """

    def fill_attributes(message: Message, value: Any, outcome: Outcome, depth: int) -> None:
        add = message.attributes.add  # type: ignore[attr-defined]  # the base class does not know the fields
        elements, index = _list_of(value), 0
        try:
            for index, element in enumerate(elements):  # noqa: B007  # the handler below names the element
                if (
                    type(element) is dict
                    and len(element) == 2
                    and type(inner := element.get("value")) is dict
                    and type(key := element.get("key")) is str
                ):
                    attribute = add()
                    attribute.key = key
                    if len(inner) == 1 and type(text := inner.get("stringValue")) is str:
                        attribute.value.string_value = text
                    else:
                        fill_value(attribute, inner, outcome, depth + 1)
                else:
                    _fill_element(add, element, shape, outcome, depth + 1)
        except UnreadableValue as error:
            error.path.append(index)
            raise

    def fill_value(attribute: Any, inner: dict[str, Any], outcome: Outcome, depth: int) -> None:
        any_value = attribute.value
        any_value.SetInParent()
        try:
            fill(any_value, inner, value_shape, outcome, depth + 1)
        except UnreadableValue as error:
            error.path.append("value")
            raise

    return fill_attributes


def _items_filler(name: str, key: str, shape: Shape) -> Filler:
    """Fill items, or envelopes of items: those that cannot be read are taken out again and counted."""

    def fill_items(message: Message, value: Any, outcome: Outcome, depth: int) -> None:
        if type(value) is not list:
            raise UnreadableEnvelope(f"expected an array, not {quoted(value)}")
        repeated = getattr(message, name)
        outcome.trail += (key, 0)
        for index, element in enumerate(value):
            outcome.trail[-1] = index
            _fill_item(repeated, element, shape, outcome, depth + 1)
        del outcome.trail[-2:]

    return fill_items


def _fill_item(repeated: Any, element: Any, shape: Shape, outcome: Outcome, depth: int) -> None:
    if element is None:
        return
    rejected, height = outcome.rejected, len(outcome.trail)
    try:
        if type(element) is not dict:
            problem = _wanted(shape, element)
            raise UnreadableValue(problem) if shape.is_item else UnreadableEnvelope(problem)
        fill(repeated.add(), element, shape, outcome, depth)
    except UnreadableEnvelope as error:
        error.path.append(outcome.trail[height - 1])
        raise
    except UnreadableValue as error:
        if type(element) is dict:
            del repeated[-1]
        # Items that were rejected one by one inside an envelope are among those that it counts as a whole.
        outcome.rejected = rejected
        del outcome.trail[height:]
        outcome.reject(count_items(element, shape), error.path[::-1], error.problem)


def _list_of(value: Any) -> list[Any]:
    if type(value) is not list:
        raise UnreadableValue(f"expected an array, not {quoted(value)}")
    return value


def _wanted(shape: Shape, value: Any) -> str:
    example = ' such as {"stringValue": …}' if shape.descriptor.name == "AnyValue" else f" ({shape.descriptor.name})"
    return f"expected an object{example}, not {quoted(value)}"
