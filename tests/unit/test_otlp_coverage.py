"""Every field of OTLP has a place in the rows and comes back.

Proves promise 5 field by field: the descriptors of the three export requests are walked, and each field alone, set to what is
not its default, must survive request → rows → request. A field that a new version of OTLP adds fails here until it has a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from tests.unit.otlp_requests import NOW, REQUESTS, SPAN_ID, TRACE_ID, WITHOUT_A_PLACE, complete, round_trip

if TYPE_CHECKING:
    from collections.abc import Iterator


Path = tuple[FieldDescriptor, ...]

IDS = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "parent_span_id": SPAN_ID}
INTEGERS = frozenset(
    (
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
        FieldDescriptor.TYPE_ENUM,
    )
)


def paths(descriptor: Any, above: Path = ()) -> Iterator[Path]:
    """Every field that can be reached; a message type within itself (values in values) once more, not for ever."""
    for field in descriptor.fields:
        path = (*above, field)
        yield path
        inner = field.message_type
        if inner is not None and sum(step.message_type is inner for step in above) < 2:
            yield from paths(inner, path)


def label(path: Path) -> str:
    return ".".join(field.name for field in path)


def example(field: FieldDescriptor) -> Any:
    if field.name in IDS:
        return IDS[field.name]
    if field.name.endswith("time_unix_nano"):
        return NOW + 7
    if field.type in INTEGERS:
        return 3
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return 2.5
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return b"\x00\xff" if field.type == FieldDescriptor.TYPE_BYTES else "text"


def set_path(message: Any, path: Path) -> None:
    """Sets the field at the end of the path and only what lies on the way."""
    field, *rest = path
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        inner = getattr(message, field.name)
        if field.is_repeated:
            inner = inner.add()
        inner.SetInParent()
        if rest:
            set_path(inner, tuple(rest))
    elif field.is_repeated:
        getattr(message, field.name).append(example(field))
    else:
        setattr(message, field.name, example(field))


CASES = [(signal, path) for signal, request in REQUESTS.items() for path in paths(request.DESCRIPTOR)]


@pytest.mark.parametrize(
    ("signal", "path"),
    [pytest.param(signal, path, id=label(path)) for signal, path in CASES if path[-1].name not in WITHOUT_A_PLACE],
)
def test_a_field_survives(signal: str, path: Path) -> None:
    request = REQUESTS[signal]()
    set_path(request, path)
    complete(request)
    assert round_trip(signal, request) == request


@pytest.mark.parametrize("name", WITHOUT_A_PLACE)
def test_a_field_without_a_place_exists_and_costs_nothing_else(name: str) -> None:
    """The exceptions are of this version of OTLP, and the item that carries one is kept."""
    path = next(path for _, path in CASES if path[-1].name == name)
    request = REQUESTS["traces"]()
    set_path(request, path)
    complete(request)
    back: Any = round_trip("traces", request)
    assert len(back.resource_spans[0].scope_spans[0].spans) == 1


def test_the_walk_reaches_what_lies_deepest() -> None:
    """The walk itself is right: fields of each signal at the ends of the longest ways are among the cases."""
    reached = {label(path) for _, path in CASES}
    assert "resource_spans.scope_spans.spans.links.attributes.value.kvlist_value.values.value.bytes_value" in reached
    assert "resource_metrics.scope_metrics.metrics.exponential_histogram.data_points.exemplars.filtered_attributes.key" in reached
    assert "resource_logs.resource.entity_refs.id_keys" in reached
