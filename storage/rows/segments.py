"""Block segments of rows as they are to be stored, for rows that were changed after they were read.

What was cut, removed or masked must not stay findable by its hash. Reading the stored form again costs some 3 µs an attribute,
which is why the kernel takes the hashes from the request's bytes where nothing was changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.rows.hashes import pack_hashes, search_hash
from storage.rows.logs import SEGMENT_ROWS as LOG_ROWS
from storage.rows.logs import log_hashes
from storage.rows.spans import SEGMENT_ROWS as SPAN_ROWS
from storage.rows.spans import span_hashes
from storage.rows.values import attributes_from_text, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.batch import Batch, Row

# Positions in SPAN_COLUMNS and LOG_COLUMNS.
_SPAN_TIME, _SPAN_ATTRIBUTES = 8, 14
_LOG_TIME, _LOG_ATTRIBUTES = 2, 13


def segments_of(batch: Batch) -> list[Row]:
    """SEGMENT_COLUMNS of a batch of spans or log records."""
    is_spans = batch.signal == "traces"
    size, time, attributes = (SPAN_ROWS, _SPAN_TIME, _SPAN_ATTRIBUTES) if is_spans else (LOG_ROWS, _LOG_TIME, _LOG_ATTRIBUTES)
    segments = []
    for start in range(0, len(batch.rows), size):
        rows = batch.rows[start : start + size]
        hashes = _attribute_hashes({row[attributes] for row in rows})
        hashes |= span_hashes(rows, batch.resources) if is_spans else log_hashes(rows, batch.resources)
        times = [row[time] for row in rows]
        segments.append((len(rows), min(times), max(times), pack_hashes(hashes)))
    return segments


def _attribute_hashes(texts: Iterable[str]) -> set[int]:
    pairs = ((pair.key, scalar_text(pair.value)) for text in texts for pair in attributes_from_text(text))
    return {search_hash(key, text) for key, text in pairs if text is not None}
