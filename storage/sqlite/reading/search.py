"""Finds rows of spans and logs newest first by means of the block index.

Rows stand in the order of their arrival, nearly but not quite the order of their times. Blocks of about a thousand are read
latest first; those that cannot hold what is wanted are skipped by their hashes. What has been found is certain to be the
newest as soon as all of it is newer than anything that an unread block may hold, so a question for the newest fifty reads a
block or two however many there are.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from storage.contract import Page, Position
from storage.rows.hashes import SERVICE, search_hash
from storage.sqlite.reading.attribute_search import WantedAttribute, hash_needle, matches_all
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from storage.contract import AttributeFilter, TimeRange
    from storage.sqlite.connect import Reader

END_OF_TIME = 2**63 - 1
FIRST_PAGE, LARGEST_PAGE = 4, 256
HASH_GROUPS, HASH_FORMS = 4, 3
NEEDLE_GROUPS, NEEDLE_FORMS = 2, 3


class Found(NamedTuple):
    """A row that fits. `trace` is the key of a span's trace; a list comes by (time, id)."""

    time: int
    id: int
    trace: int


class Block(NamedTuple):
    max_time: int
    min_time: int
    first_id: int
    last_id: int


class Step(NamedTuple):
    """What one block had; nothing later than `unread_until` is left in the blocks to come (None when none is to come)."""

    rows: list[Any]
    unread_until: int | None


@dataclass(slots=True)
class Search:
    """Which rows are wanted: their time [start, end), hashes of which their block must have one a group, and `parameters`.

    `parameters` are bound to the statement that scans a block.
    """

    table: str
    start: int = 0
    end: int = END_OF_TIME
    hash_groups: list[tuple[bytes, ...]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    attributes: list[WantedAttribute] = field(default_factory=list)
    resources: list[frozenset[int]] = field(default_factory=list)
    impossible: bool = False

    @staticmethod
    def within(table: str, time_range: TimeRange, after: Position | None = None) -> Search:
        """`after` is the position from which the list goes on."""
        start = max(time_range.start or 0, 0)
        end = END_OF_TIME if time_range.end is None else min(time_range.end, END_OF_TIME)
        search = Search(table, start, end)
        if after is not None:
            search.end = min(end, after.time + 1)
        search.parameters = {
            "start": start,
            "end": end,
            "after_time": after.time if after else None,
            "after_key": after.key if after else None,
            "services": None,
        }
        return search

    def want_hash(self, key: str, text: str) -> None:
        self.hash_groups.append((hash_needle(search_hash(key, text)),))

    def want_service(self, reader: Reader, service: str | None) -> None:
        """The service "" stands for the rows whose resource names none."""
        if service is None:
            return
        resources = reader.rows("resources_of_service", {"service": service})
        self.parameters["services"] = orjson.dumps(resources).decode()
        self.impossible = self.impossible or not resources
        if service:
            self.want_hash(SERVICE, service)

    def want_attributes(self, reader: Reader, attributes: Iterable[AttributeFilter]) -> None:
        """Each must be met by the row or by its resource."""
        groups = []
        for attribute in attributes:
            wanted = WantedAttribute.of(attribute)
            resources = _resources_with(reader, wanted)
            self.attributes.append(wanted)
            self.resources.append(resources)
            if not resources:
                groups.append(wanted.hashes)
        # Blocks are tested for the first groups only, and an attribute tells them apart better than a service.
        self.hash_groups[:0] = groups
        for number in range(1, NEEDLE_GROUPS + 1):
            used = len(self.attributes) >= number
            needles = self.attributes[number - 1].needles if used else ()
            self.parameters.update(_numbered(f"needle_{number}", needles, NEEDLE_FORMS))
            found = sorted(self.resources[number - 1]) if used else []
            self.parameters[f"resources_{number}"] = orjson.dumps(found).decode()

    def matching(self, rows: Iterable[Sequence[Any]]) -> list[Found]:
        """Of rows (id, time, trace, resource, attributes) that a scan found, those that fit exactly."""
        if not self.attributes:
            return [Found(time, id_, trace) for id_, time, trace, _, _ in rows]
        return [
            Found(time, id_, trace)
            for id_, time, trace, resource, attributes in rows
            if matches_all(self.attributes, attributes, [resource in found for found in self.resources])
        ]


def found_by(reader: Reader, search: Search, name: str, **parameters: Any) -> list[Found]:
    """Rows found by one statement, without the block index."""
    return [] if search.impossible else search.matching(reader.rows(name, {**search.parameters, **parameters}))


def steps(reader: Reader, search: Search, scan: Callable[[int, int], list[Any]]) -> Iterator[Step]:
    """Scans the tail, which no block describes yet, and then the blocks that may fit, latest first.

    `scan` answers for the rows numbered from its first to its second argument.
    """
    if search.impossible:
        yield Step([], None)
        return
    (sealed,) = reader.execute(statement("last_sealed"), {"table_name": search.table}).fetchone()
    rows = scan(sealed + 1, END_OF_TIME)
    for block in blocks(reader, search):
        yield Step(rows, block.max_time)
        reader.check_time()
        rows = scan(block.first_id, block.last_id)
    yield Step(rows, None)


def blocks(reader: Reader, search: Search) -> Iterator[Block]:
    """The blocks that may hold what is wanted, latest first, read in pages that grow."""
    parameters = {"table_name": search.table, "start": search.start, "end": search.end}
    for number in range(1, HASH_GROUPS + 1):
        forms = search.hash_groups[number - 1] if len(search.hash_groups) >= number else ()
        parameters.update(_numbered(f"hash_{number}", forms, HASH_FORMS))
    after = Block(END_OF_TIME, END_OF_TIME, END_OF_TIME, END_OF_TIME)
    count = FIRST_PAGE
    while True:
        position = {"after_max_time": after.max_time, "after_min_time": after.min_time, "after_first_id": after.first_id}
        page = sorted(
            (Block(*row) for row in reader.rows("block_page", {**parameters, **position, "count": count})), reverse=True
        )
        yield from page
        if len(page) < count:
            return
        after = page[-1]
        count = min(2 * count, LARGEST_PAGE)


def newest(found: Iterable[Step], limit: int) -> list[Found]:
    """The newest of the rows found, one more than `limit` where there are more."""
    top: list[Found] = []
    for step in found:
        top = heapq.nlargest(limit + 1, [*top, *step.rows])
        if len(top) > limit and step.unread_until is not None and top[-1].time > step.unread_until:
            break
    return top


def page_of(top: Sequence[Found], limit: int, records: Mapping[int, Any]) -> Page[Any]:
    """The first `limit` rows as a page of their `records`, by number."""
    shown = top[:limit]
    following = Position(shown[-1].time, shown[-1].id) if shown and len(top) > limit else None
    return Page([records[found.id] for found in shown], following)


def _resources_with(reader: Reader, wanted: WantedAttribute) -> frozenset[int]:
    rows = reader.rows("resources_with", _numbered("needle", wanted.needles, NEEDLE_FORMS))
    return frozenset(id_ for id_, attributes in rows if wanted.matches(orjson.loads(attributes)))


def _numbered(name: str, values: Sequence[Any], count: int) -> dict[str, Any]:
    return {f"{name}_{number}": values[number - 1] if len(values) >= number else None for number in range(1, count + 1)}
