"""Answers for lists of spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from storage.rows.hashes import NAME, STATUS
from storage.sqlite.reading.records import spans_by_id
from storage.sqlite.reading.search import Search, Step, found_by, newest, page_of, steps

if TYPE_CHECKING:
    from storage.contract import Page, SpanQuery, SpanRecord
    from storage.sqlite.connect import Reader

FAILED = 2


def find_spans(reader: Reader, query: SpanQuery) -> Page[SpanRecord]:
    search = span_search(reader, query)
    if query.trace_id is not None:
        found = iter([Step(found_by(reader, search, "scan_spans_of_trace", trace_id=query.trace_id), None)])
    else:
        found = steps(reader, search, lambda first, last: found_by(reader, search, "scan_spans", first_id=first, last_id=last))
    top = newest(found, query.limit)
    return page_of(top, query.limit, spans_by_id(reader, [row.id for row in top[: query.limit]]))


def span_search(reader: Reader, query: SpanQuery) -> Search:
    search = Search.within("spans", query.range, query.after)
    if query.operation is not None:
        search.want_hash(NAME, query.operation)
    if query.status == FAILED:
        search.want_hash(STATUS, "error")
    search.want_service(reader, query.service)
    search.want_attributes(reader, query.attributes)
    search.parameters |= {
        "operation": query.operation,
        "kind": query.kind,
        "status": query.status,
        "min_duration": query.min_duration_ns,
        "max_duration": query.max_duration_ns,
        **_text_parameters(query.text),
    }
    return search


def _text_parameters(text: str | None) -> dict[str, str | None]:
    """The text as SQLite can look for it: lower-case where the letters are ASCII, otherwise in the usual spellings.

    Inside attributes, text stands as in a JSON string.
    """
    lower = None if not text else ascii_lower(text.lower())
    parameters = {"text_1": lower, "text_2": None, "text_3": None}
    if text and not text.isascii():
        parameters |= {"text_2": ascii_lower(text.upper()), "text_3": ascii_lower(text.title())}
    return parameters | {f"json_{name[-1]}": _inside_json(spelling) for name, spelling in parameters.items()}


def ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _inside_json(text: str | None) -> str | None:
    return None if text is None else orjson.dumps(text).decode()[1:-1]
