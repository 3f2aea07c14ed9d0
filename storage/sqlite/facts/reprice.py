"""Works out the cost of what is kept anew, with the prices of today.

Facts are a function of the stored spans and logs, so they are derived again, trace by trace, and what comes out differently is
written. Sums and runs follow by the difference. What a sender reported stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from storage.facts.derive import Deriver
from storage.sqlite.facts.stored import StoredFacts
from storage.sqlite.facts.writer import FactWriter
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from storage.facts.costs import Prices

# A piece is one transaction, some 100 ms.
TRACES_PER_PIECE: Final = 50
LOGS_PER_PIECE: Final = 500


@dataclass(frozen=True, slots=True)
class Costs:
    """Of the model calls that count: dollars worked out from prices, dollars reported, and how many calls have neither."""

    calls: int
    computed: float
    reported: float
    unpriced: int


def reprice(connection: sqlite3.Connection, prices: Prices | None, progress: Callable[[int, int], None]) -> tuple[Costs, Costs]:
    """The costs before and after. The connection is the writer's, and nobody else writes; may be stopped and begun again."""
    stored = StoredFacts(connection, Deriver(prices))
    facts = FactWriter(connection, stored)
    before = _costs(connection)
    (last_trace, last_fact) = connection.execute(statement("extent_of_facts")).fetchone()
    done = 0
    while traces := _page(connection, "fact_traces_after", done, TRACES_PER_PIECE):
        _again(connection, facts, [row[1] for row in traces], [])
        done = traces[-1][0]
        progress(done, last_trace + last_fact)
    done = 0
    while logs := _page(connection, "loose_facts_after", done, LOGS_PER_PIECE):
        _again(connection, facts, [], [row[0] // 2 for row in logs])
        done = logs[-1][0]
        progress(last_trace + done, last_trace + last_fact)
    progress(last_trace + last_fact, last_trace + last_fact)
    return before, _costs(connection)


def _page(connection: sqlite3.Connection, name: str, after: int, count: int) -> Sequence[tuple[int, str]]:
    return connection.execute(statement(name), {"after": after, "count": count}).fetchall()


def _again(connection: sqlite3.Connection, facts: FactWriter, trace_ids: Sequence[str], log_ids: Sequence[int]) -> None:
    connection.execute(statement("begin_writing"))
    try:
        facts.add_stored(trace_ids, log_ids)
        facts.write(0)
        connection.execute(statement("commit_writing"))
    except BaseException:
        connection.execute(statement("roll_back_writing"))
        raise
    facts.forget()


def _costs(connection: sqlite3.Connection) -> Costs:
    return Costs(*connection.execute(statement("costs_of_facts")).fetchone())
