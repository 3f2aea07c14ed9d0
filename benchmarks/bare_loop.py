"""The yardstick: how fast this machine inserts ready span rows into a table without any index, durably.

One loop, no network, no decoding, `synchronous=FULL`, a commit every 4,000 rows, the page size and row form of otlpd. Every
durable receiver on this machine is slower; what share of this it reaches is comparable between machines.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from storage.batch import SPAN_COLUMNS
from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS_PER_COMMIT = 4_000


def rows_per_second(folder: Path, requests: Sequence[bytes]) -> float:
    """Rows/s over the spans of `requests`, decoding not counted."""
    rows = [row for request in requests for row in batch_of("traces", request, time.time_ns()).rows]
    path = folder / "bare.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=8192", "auto_vacuum=incremental", "journal_mode=wal", "synchronous=full", "cache_size=-65536"):
        connection.execute(f"pragma {pragma}").fetchall()
    connection.execute(f"create table spans ({', '.join(SPAN_COLUMNS)})")
    insert = f"insert into spans values ({', '.join('?' * len(SPAN_COLUMNS))})"
    started = time.perf_counter()
    for first in range(0, len(rows), ROWS_PER_COMMIT):
        connection.execute("begin immediate")
        connection.executemany(insert, rows[first : first + ROWS_PER_COMMIT])
        connection.execute("commit")
    elapsed = time.perf_counter() - started
    connection.close()
    return len(rows) / elapsed
