"""Removes facts together with the spans and log records that told of them, and texts that nothing refers to any more.

Sums per hour and day have an age of their own and stay; sessions shrink and go with the last of their facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from storage.sqlite.facts.contents import indexed
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3

DAY_NS: Final = 86_400 * 10**9
TEXTS_PER_SLICE: Final = 500
# In this order: what counts sessions reads the facts that the later ones remove.
_STATEMENTS: Final = (
    "unlink_agents_of_expired", "unlink_users_of_expired", "undate_expired", "shrink_sessions_of_expired",
    "delete_contents_of_expired", "delete_sources_of_expired", "delete_expired_facts",
)  # fmt: skip
# Then: turns before the sessions by which they are found.
_EMPTY: Final = (
    "delete_turns_of_expired", "delete_sessions_without_facts", "delete_links_without_facts", "delete_days_without_facts",
)  # fmt: skip


def remove_facts(connection: sqlite3.Connection, table: str, first_id: int, last_id: int) -> None:
    """Of the rows of `table` ("spans" or "logs") from one number to another, inside the transaction that removes those."""
    parity = int(table == "logs")
    bounds = {"first": 2 * first_id + parity, "last": 2 * last_id + parity, "parity": parity}
    traces = [row[0] for row in connection.execute(statement("traces_of_expired"), bounds)]
    for name in _STATEMENTS:
        connection.execute(statement(name), bounds)
    for name in _EMPTY:
        connection.execute(statement(name))
    connection.execute(statement("delete_traces_without_facts"), (orjson.dumps(traces).decode(),))


def remove_contents(connection: sqlite3.Connection, before: int) -> bool:
    """A slice: removes texts that no record received since `before` (ns) carries; True when none is left."""
    day = before // DAY_NS
    connection.execute(statement("begin_writing"))
    bounds = {"day": day, "indexed": indexed(connection), "count": TEXTS_PER_SLICE}
    connection.execute(statement("forget_expired_texts"), bounds)
    removed = connection.execute(statement("delete_expired_contents"), bounds).rowcount
    connection.execute(statement("commit_writing"))
    return removed < TEXTS_PER_SLICE


def remove_usage(connection: sqlite3.Connection, before: int) -> bool:
    """Removes the sums of hours, days and months that lie before `before` (hours since 1970), and what belongs to nothing."""
    for name in ("delete_usage_hours", "delete_usage_days", "delete_usage_months"):
        connection.execute(statement(name), {"before": before})
    connection.execute(statement("delete_usage_of_no_stream"))
    return True
