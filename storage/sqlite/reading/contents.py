"""Answers where a text was said: by word, over everything that went in and out of models and tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from storage.agents_contract import ContentPart, FactFilter, SearchHit
from storage.sqlite.facts.contents import indexed
from storage.sqlite.reading.facts import END_OF_TIME, records, with_contents
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import FactRecord
    from storage.sqlite.connect import Reader

# Of the texts found so many are looked at for what the filters leave.
LOOKED_AT: Final = 10
MOST_LOOKED_AT: Final = 2_000
_WORDS: Final = re.compile(r'"([^"]+)"|(\S+)')


def search_contents(reader: Reader, text: str, filter_: FactFilter, limit: int) -> Sequence[SearchHit]:
    """The best first; `text` is words and "quoted phrases", all of which must be there."""
    phrases = [quoted or word for quoted, word in _WORDS.findall(text) if (quoted or word).strip('"')]
    if not phrases:
        return []
    count = min(limit * LOOKED_AT, MOST_LOOKED_AT)
    query = " ".join('"' + phrase.replace('"', "") + '"' for phrase in phrases)
    found = dict(reader.rows("contents_found", {"text": query, "count": count}))
    word = max(phrases, key=len).lower()
    pattern = "%" + "%".join(phrases).lower() + "%"
    unindexed = {"indexed": indexed(reader), "pattern": pattern, "word": word, "count": count}
    found.update(dict(reader.rows("contents_found_unindexed", unindexed)))
    whole = {row[0]: row for row in reader.rows("contents_whole", {"ids": orjson.dumps(list(found)).decode()})}
    owners = _owners(reader, {row[3] for row in whole.values()})
    hits = []
    for id_, snippet in found.items():
        _, content, size, source, _ = whole[id_]
        fact = owners.get(source)
        if fact is None or not _fits(fact, filter_):
            continue
        hits.append((fact, content, size, snippet))
        if len(hits) == limit:
            break
    filled = with_contents(reader, [fact for fact, *_ in hits])
    return [
        SearchHit(snippet, _part(record, content, size), fact)
        for (fact, content, size, snippet), record in zip(hits, filled, strict=True)
    ]


def _owners(reader: Reader, sources: set[int]) -> dict[int, FactRecord]:
    """Source → the fact that it tells of."""
    ids = {source: source for source in sources}
    for source in sources:
        merged = reader.execute(statement("fact_id_of_source"), {"source": source}).fetchone()
        if merged is not None:
            ids[source] = merged[0]
    found = {record.id: record for record in records(reader, sorted(set(ids.values())))}
    return {source: found[id_] for source, id_ in ids.items() if id_ in found}


def _fits(fact: FactRecord, filter_: FactFilter) -> bool:
    values = fact.values
    end = END_OF_TIME if filter_.range.end is None else filter_.range.end
    wanted = {
        "agent_name": filter_.agent, "user_id": filter_.user, "session_id": filter_.session, "model": filter_.model,
        "tool_name": filter_.tool, "service_name": filter_.service, "trace_id": filter_.trace_id,
    }  # fmt: skip
    return (filter_.range.start or 0) <= values["time"] < end and all(
        value is None or values[name] == value for name, value in wanted.items()
    )


def _part(record: FactRecord, text: str, size: int) -> ContentPart:
    """The part of the fact that holds the text."""
    found = next((part for part in record.contents if part.text == text), None)
    return found or ContentPart("input", 0, 0, None, "text", None, None, text, size)
