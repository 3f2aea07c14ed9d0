"""Records of one instrumentation have the same attribute keys over and over: what to read from them is worked out once.

A `Shape` is a set of keys in their order; a `Plan` is what a record of that shape and of one kind says in which slot. With it
a span of 11 attributes costs 2 µs instead of the 20 that asking for each of 200 known keys would take. Both are remembered
within bounds and are functions of the keys alone, so what is remembered never changes what is derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts import coerce
from storage.facts.content_keys import ARGUMENT_KEYS, is_content_key, makes_known
from storage.facts.dialects import QUIRK_KEYS
from storage.facts.fact import FACT_COLUMNS
from storage.facts.fields import COERCIONS, ERRORS, FIELDS, IDENTITY, METADATA, METADATA_PREFIXES, TAGS, USAGE
from storage.facts.kinds import EMBEDDING_KEYS, KIND_SOURCES, MODEL_KEYS, RERANKER_KEYS, TOOL_KEYS, kind_of_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storage.facts.fields import Source

SHAPES_KEPT: Final = 4_096
# A shape of this many keys is a conversation flattened into attributes; it will not come again.
LONGEST_SHAPE_KEPT: Final = 256

# Slots behind the fact's own columns: what is read and then worked into them.
SCRATCH: Final = tuple(name for name in FIELDS if name not in FACT_COLUMNS)
SLOTS: Final = (*FACT_COLUMNS, *SCRATCH)
SLOT: Final[Mapping[str, int]] = {name: number for number, name in enumerate(SLOTS)}
FACT_SIZE: Final = len(FACT_COLUMNS)
# The columns that say who; they stand together, in the order of IDENTITY.
_HEAD: Final = FACT_COLUMNS.index("agent_name")
_EXTRA_USAGE: Final = frozenset(USAGE) - {"input_tokens", "output_tokens", "reported_cost", "credits", "nano_units"}
# The duration of a span is its own; an attribute of that kind matters to log records only, and an error's HTTP status to errors.
_ALWAYS_ERRORS: Final = frozenset(("error_type", "success", "tool_status", "level"))


class _Entry(NamedTuple):
    column: str
    precedence: int
    read: Callable[[Any], Any]
    source: Source


def _index() -> dict[str, list[_Entry]]:
    index: dict[str, list[_Entry]] = {}
    for column, sources in FIELDS.items():
        for precedence, source in enumerate(sources):
            read = source.read or COERCIONS.get(column, coerce.text)
            index.setdefault(source.key, []).append(_Entry(column, precedence, read, source))
    return index


_INDEX: Final = _index()
_KIND_TABLES: Final = dict(KIND_SOURCES)
_KIND_KEYS: Final = tuple(key for key, _ in KIND_SOURCES)
_PLAIN_READS: Final = (coerce.text, coerce.count)


class Plan:
    """What to read from a record of one shape and kind, lowest precedence first, so that the highest is written last."""

    __slots__ = ("arguments", "content", "counts", "errors", "metadata", "others", "rest", "tags", "texts", "usage")

    def __init__(self, shape: Shape, kind: str) -> None:
        entries = [
            (entry, key)
            for key in shape.keys
            for entry in _INDEX.get(key, ())
            if (shape.is_client or not entry.source.client) and (not entry.source.kinds or kind in entry.source.kinds)
        ]
        entries.sort(key=lambda pair: -pair[0].precedence)
        columns = {entry.column for entry, _ in entries}
        # A column with one source that needs more than a plain text or count is read from all its sources in one list, so
        # that the order among them holds.
        custom = {entry.column for entry, _ in entries if entry.read not in _PLAIN_READS}
        plain = [(entry, key) for entry, key in entries if entry.column not in custom]
        self.texts = tuple((SLOT[entry.column], key) for entry, key in plain if entry.read is coerce.text)
        self.counts = tuple((SLOT[entry.column], key) for entry, key in plain if entry.read is coerce.count)
        self.others = tuple((SLOT[entry.column], key, entry.read) for entry, key in entries if entry.column in custom)
        self.usage = bool(columns & _EXTRA_USAGE)
        self.errors = bool(columns & _ALWAYS_ERRORS)
        self.content = shape.content
        self.arguments = shape.arguments
        self.tags = tuple(key for key in shape.keys if key in TAGS)
        self.metadata = tuple(key for key in shape.keys if key in METADATA or key.startswith(METADATA_PREFIXES))
        if "metadata" in shape.keys:
            self.metadata = (*self.metadata, "metadata")
        self.rest = bool(columns - _HOT or self.tags or self.metadata)

    def identity(self, attributes: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The columns of IDENTITY_COLUMNS from `agent_name` on; None where all but the version are empty."""
        slots: list[Any] = [None] * len(SLOTS)
        self.fill(slots, attributes)
        found = tuple(slots[_HEAD : _HEAD + len(IDENTITY)])
        return (
            found
            if any(value is not None for column, value in zip(IDENTITY, found, strict=True) if column != "agent_version")
            else None
        )

    def fill(self, slots: list[Any], attributes: Mapping[str, Any]) -> None:
        for slot, key in self.texts:
            value = attributes[key]
            if value.__class__ is str and 0 < len(value) <= 512:  # as coerce.text
                slots[slot] = value
            elif (found := coerce.text(value)) is not None:
                slots[slot] = found
        for slot, key in self.counts:
            value = attributes[key]
            if value.__class__ is int and 0 <= value <= coerce.MOST_TOKENS:
                slots[slot] = value
            elif (tokens := coerce.count(value)) is not None:
                slots[slot] = tokens
        for slot, key, read in self.others:
            value = read(attributes[key])
            if value is not None:
                slots[slot] = value


# Columns that need no thought after they are read.
_HOT: Final = frozenset(IDENTITY) | {
    "response_id", "tool_call_id", "tool_type", "event_sequence", "pair_key", "provider", "model", "request_model",
    "input_tokens", "output_tokens", "tool_name", *ERRORS, *_EXTRA_USAGE,
}  # fmt: skip


# Columns that make a span one of an agent although nothing tells its kind.
_TELLING: Final = frozenset(USAGE) | {
    "provider", "model", "request_model", "tool_name", "tool_call_id", "response_id", "finish_reasons", "time_to_first_token",
    "retrieval_query",
}  # fmt: skip


class Shape:
    """A record's keys. `is_client`: the record is a coding agent's, so that bare names mean what they say."""

    __slots__ = (
        "_first_key", "_first_table", "arguments", "content", "identity", "is_client", "keys", "kind_keys", "plans", "presence",
        "quirky", "says_more", "silent",
    )  # fmt: skip

    def __init__(self, keys: tuple[str, ...], is_client: bool) -> None:
        self.keys = keys
        self.is_client = is_client
        present = frozenset(keys)
        entries = [entry for key in keys for entry in _INDEX.get(key, ()) if is_client or not entry.source.client]
        columns = {entry.column for entry in entries if entry.column not in ERRORS}
        self.kind_keys = tuple(key for key in _KIND_KEYS if key in present)
        self._first_key = self.kind_keys[0] if self.kind_keys else ""
        self._first_table = _KIND_TABLES.get(self._first_key, {})
        self.presence = _kind_by_presence(present)
        self.content = any(map(is_content_key, keys))
        self.arguments = tuple(key for key in ARGUMENT_KEYS if key in present)
        self.identity = bool(columns & frozenset(IDENTITY) - {"agent_version"})
        self.says_more = bool(self.kind_keys or columns & _TELLING)
        self.silent = not (self.identity or self.says_more or self.presence or any(map(makes_known, keys)))
        self.quirky = bool(present & QUIRK_KEYS)
        self.plans: dict[str, Plan] = {}

    def kind(self, attributes: Mapping[str, Any]) -> str | None:
        """The kind by its attributes; None when only the name can tell."""
        value = attributes.get(self._first_key)
        if value.__class__ is str and (known := self._first_table.get(value)) is not None:
            return known
        for key in self.kind_keys:
            found = kind_of_value(key, attributes[key])
            if found is not None:
                return found
        return self.presence

    def plan(self, kind: str) -> Plan:
        plan = self.plans.get(kind)
        if plan is None:
            plan = self.plans[kind] = Plan(self, kind)
        return plan


def _kind_by_presence(present: frozenset[str]) -> str | None:
    if present & TOOL_KEYS:
        return "tool"
    if present & MODEL_KEYS:
        return "llm"
    if present & EMBEDDING_KEYS:
        return "embedding"
    return "reranker" if present & RERANKER_KEYS else None


class Shapes(dict["tuple[str, ...]", Shape]):
    """The shapes met so far: of clients, or of all others."""

    def __init__(self, is_client: bool) -> None:
        super().__init__()
        self._is_client = is_client

    def __missing__(self, keys: tuple[str, ...]) -> Shape:
        shape = Shape(keys, self._is_client)
        if len(keys) <= LONGEST_SHAPE_KEPT:
            if len(self) >= SHAPES_KEPT:
                self.clear()
            self[keys] = shape
        return shape


class Owner(NamedTuple):
    """Whose records they are: those of one resource and scope. `client`: the coding agent, if it is one."""

    client: str | None
    shapes: Shapes
    scope: str | None


def _blank() -> tuple[Any, ...]:
    slots: list[Any] = [None] * (len(SLOTS) - _HEAD)
    slots[SLOT["failed"] - _HEAD] = 0
    return tuple(slots)


# The slots from `agent_name` on, with nothing in them.
BLANK: Final = _blank()
