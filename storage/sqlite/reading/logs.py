"""Answers for lists of log records: by words through the full-text index, by trace through its index, else by blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from storage.rows.hashes import EVENT
from storage.sqlite.reading.records import logs_by_id
from storage.sqlite.reading.search import END_OF_TIME, Search, Step, found_by, newest, page_of, steps
from storage.sqlite.reading.spans import ascii_lower
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storage.contract import LogQuery, LogRecord, Page
    from storage.sqlite.connect import Reader

# Up to so many records with the words are looked at all at once; where there are more, the newest come up soon block by block.
FEW = 2_000
_TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')


def find_logs(reader: Reader, query: LogQuery) -> Page[LogRecord]:
    search = _search(reader, query)
    top = newest(_found(reader, query, search), query.limit)
    return page_of(top, query.limit, logs_by_id(reader, [row.id for row in top[: query.limit]]))


def logs_by_number(reader: Reader, numbers: Sequence[int]) -> list[LogRecord]:
    found = logs_by_id(reader, numbers)
    return [found[number] for number in dict.fromkeys(numbers) if number in found]


def log_numbers(reader: Reader, record_uids: Sequence[str]) -> dict[str, int]:
    return dict(reader.rows("log_numbers", {"record_uids": orjson.dumps(list(record_uids)).decode()}))


def scope_ids(reader: Reader, names: Sequence[str] | None) -> str | None:
    if names is None:
        return None
    return orjson.dumps(reader.rows("scopes_named", {"names": orjson.dumps(names).decode()})).decode()


def words_of(text: str | None) -> str | None:
    """The question to FTS5 for words and "quoted phrases", all of which must be there; `word*` stands for its continuations.

    None where the text has no word at all. Every term is quoted, so nothing in it is taken for an operator.
    """
    terms = []
    for match in _TERM.finditer((text or "").replace("\0", " ")):
        term = match[1] if match[1] is not None else match[2]
        if any(letter.isalnum() for letter in term):
            open_ended = match[2] is not None and term.endswith("*")
            terms.append(f'"{term.rstrip("*")}"*' if open_ended else f'"{term}"')
    return " ".join(terms) or None


def _search(reader: Reader, query: LogQuery) -> Search:
    search = Search.within("logs", query.range, query.after)
    if query.event is not None:
        search.want_hash(EVENT, query.event)
    search.want_service(reader, query.service)
    search.want_attributes(reader, query.attributes)
    scopes = scope_ids(reader, query.scopes)
    search.impossible = search.impossible or scopes == "[]"
    wordless = query.text if query.text and words_of(query.text) is None else None
    search.parameters |= {
        "event": query.event,
        "trace_id": query.trace_id,
        "span_id": query.span_id,
        "min_severity": query.min_severity,
        "severity": query.severity,
        "scopes": scopes,
        "is_event": query.is_event,
        "text": None if wordless is None else ascii_lower(wordless.strip()),
        "words": words_of(query.text),
    }
    return search


def _found(reader: Reader, query: LogQuery, search: Search) -> Iterable[Step]:
    if search.parameters["words"] is not None:
        return _found_by_words(reader, search)
    if query.trace_id is not None:
        return iter([Step(found_by(reader, search, "scan_logs_of_trace"), None)])
    return steps(reader, search, lambda first, last: found_by(reader, search, "scan_logs", first_id=first, last_id=last))


def _found_by_words(reader: Reader, search: Search) -> Iterator[Step]:
    (first_id,) = reader.execute(statement("lowest_row_since"), _bounds(search)).fetchone()
    bounds = {"words": search.parameters["words"], "first_id": first_id, "last_id": END_OF_TIME, "count": FEW + 1}
    (count,) = reader.execute(statement("count_logs_with_words"), bounds).fetchone()
    if count <= FEW:
        bounds.pop("count")
        yield Step(found_by(reader, search, "scan_logs_with_words", **bounds), None)
        return
    yield from steps(
        reader, search, lambda first, last: found_by(reader, search, "scan_logs_with_words", first_id=first, last_id=last)
    )


def _bounds(search: Search) -> dict[str, object]:
    return {"table_name": search.table, "start": search.start, "end": search.end}
