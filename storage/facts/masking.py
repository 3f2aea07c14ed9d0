"""What of the content is kept, decided at the door: all of it, cut to a length, or none; and masks over secrets.

The policy rewrites the rows of a batch before anything is derived from them or stored, so that what is left out is nowhere:
not in attributes, span events, log bodies, the search index or the facts. What was done is counted. Where something was
taken out a mark stands in its place: `[removed]`, `… [cut 1200 characters]`, `[secret]`, `[e-mail]`. An e-mail address that
names a user becomes `[e-mail 1f3a9c02]`, the same for the same address, so that figures by user still work; who knows the
address can recognise it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from storage.facts import coerce
from storage.facts.content import MESSAGE_EVENTS
from storage.facts.content_keys import has_content, is_content_key
from storage.facts.masks import DEEPEST, Masks

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.batch import Batch, Row

Keep = Literal["full", "truncate", "off"]
REMOVED: Final = "[removed]"

_DETAILS_EVENTS: Final = MESSAGE_EVENTS | {"gen_ai.client.inference.operation.details"}
_EVENT_CONTENT_KEYS: Final = frozenset(("content", "message", "tool_calls", "body", "output", "gen_ai.event.content"))
# Positions in SPAN_COLUMNS, LOG_COLUMNS, POINT_COLUMNS and SCOPE_COLUMNS.
_STATUS, _ATTRIBUTES, _EVENTS, _LINKS = 11, 14, 15, 16
_BODY, _BODY_TYPE, _EVENT_NAME, _LOG_ATTRIBUTES = 7, 8, 9, 13
_EXEMPLARS, _SCOPE = 10, 3


@dataclass(frozen=True, slots=True)
class ContentCounts:
    """How many values were cut, removed and masked."""

    cut: int = 0
    removed: int = 0
    masked: int = 0


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """`length`: characters of one text that "truncate" keeps. `masks`: secrets and e-mail addresses, everywhere.

    `patterns` are the user's own regular expressions; what they match becomes `[masked]`.
    """

    keep: Keep = "full"
    length: int = 2_000
    masks: bool = False
    patterns: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        return self.keep != "full" or self.masks or bool(self.patterns)


class ContentDoor:
    """Applies a policy to batches. For one thread at a time. Raises ValueError for a pattern that is none."""

    def __init__(self, policy: ContentPolicy) -> None:
        self._policy = policy
        self._masks = Masks(policy.masks, policy.patterns)
        self._cut_count = self._removed_count = 0

    @property
    def counts(self) -> ContentCounts:
        """What was done to all batches so far."""
        return ContentCounts(self._cut_count, self._removed_count, self._masks.count)

    def apply(self, batch: Batch) -> ContentCounts:
        """Rewrites the rows of `batch`; what was done to this one."""
        if not self._policy.is_active:
            return ContentCounts()
        before = self.counts
        masked = self._masks.json_text
        if batch.signal == "traces":
            batch.rows = [self._span(row) for row in batch.rows]
        elif batch.signal == "logs":
            batch.rows = [self._log(row) for row in batch.rows]
        else:
            batch.streams = [(*row[:10], masked(row[10])) for row in batch.streams]
            batch.rows = [(*row[:_EXEMPLARS], masked(row[_EXEMPLARS])) for row in batch.rows]
        batch.scopes = [(*row[:_SCOPE], masked(row[_SCOPE]), *row[_SCOPE + 1 :]) for row in batch.scopes]
        batch.resources = [(*row[:7], masked(row[7]), *row[8:]) for row in batch.resources]
        after = self.counts
        return ContentCounts(after.cut - before.cut, after.removed - before.removed, after.masked - before.masked)

    def _span(self, row: Row) -> Row:
        attributes, events = self._attributes(row[_ATTRIBUTES], None), row[_EVENTS]
        if events is not None:
            events = self._events(events)
        status, links = self._masks.text(row[_STATUS]), self._masks.json_text(row[_LINKS])
        return (*row[:_STATUS], status, *row[_STATUS + 1 : _ATTRIBUTES], attributes, events, links, *row[_LINKS + 1 :])

    def _log(self, row: Row) -> Row:
        event, body, body_type = row[_EVENT_NAME], row[_BODY], row[_BODY_TYPE]
        attributes = self._attributes(row[_LOG_ATTRIBUTES], event)
        if body is not None and event in _DETAILS_EVENTS:
            limited = self._limited(body if body_type == "string" else orjson.loads(body))
            body_type = "string" if isinstance(limited, str) else body_type
            body = limited if isinstance(limited, str) else orjson.dumps(limited).decode()
        body = self._masks.text(body) if body_type == "string" else self._masks.json_text(body)
        return (*row[:_BODY], body, body_type, *row[_BODY_TYPE + 1 : _LOG_ATTRIBUTES], attributes, *row[_LOG_ATTRIBUTES + 1 :])

    def _events(self, text: str) -> str:
        events = orjson.loads(text)
        changed = False
        for event in events:
            before = orjson.dumps(event["attributes"]).decode()
            after = self._attributes(before, event["name"])
            if after != before:
                event["attributes"] = orjson.loads(after)
                changed = True
        return orjson.dumps(events).decode() if changed else text

    def _attributes(self, text: str, event: str | None) -> str:
        """Attributes as stored; `event` names the log record or span event that they are of."""
        if self._policy.keep != "full":
            entries = orjson.loads(text)
            keys = [key for key in entries if is_content_key(key) or (event in _DETAILS_EVENTS and key in _EVENT_CONTENT_KEYS)]
            if keys and (event in _DETAILS_EVENTS or has_content(entries)):
                for key in keys:
                    entries[key] = self._limited(entries[key])
                if isinstance(entries.get("$list"), list):
                    entries["$list"] = [[key, entries[key] if key in keys else value] for key, value in entries["$list"]]
                text = orjson.dumps(entries).decode()
        return self._masks.json_text(text) or "{}"

    def _limited(self, value: Any) -> Any:
        """Content as the policy lets it be."""
        if coerce.content(value) is None:
            return value
        if self._policy.keep == "off":
            self._removed_count += 1
            return REMOVED
        return _each_text(value, self._cut, 0) if self._policy.keep == "truncate" else value

    def _cut(self, text: str) -> str:
        length = self._policy.length
        if len(text) <= length:
            return text
        self._cut_count += 1
        return f"{text[:length]}… [cut {len(text) - length} characters]"


def _each_text(value: Any, change: Callable[[str], str], depth: int) -> Any:
    """`value` with every text in it changed; JSON in a string stays JSON."""
    if isinstance(value, str):
        inner = coerce.parsed(value) if depth < DEEPEST else value
        return coerce.dumped(_each_text(inner, change, depth + 1)) if isinstance(inner, dict | list) else change(value)
    if depth >= DEEPEST:
        return value
    if isinstance(value, list):
        return [_each_text(entry, change, depth + 1) for entry in value]
    if isinstance(value, dict):
        return {key: _each_text(entry, change, depth + 1) for key, entry in value.items()}
    return value
