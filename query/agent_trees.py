"""The facts of one trace as a tree: what each adds up to, and where the time went."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from query.agent_shapes import fact
from query.shapes import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import FactRecord

MOST_DEEP = 1_000
INFERRED_KIND = "inferred"


class Node:
    def __init__(self, record: FactRecord) -> None:
        self.record = record
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.llm_calls = self.tool_calls = self.tokens = 0
        self.cost: float | None = None

    @property
    def start(self) -> int:
        return int(self.record.values["time"])

    @property
    def end(self) -> int:
        return self.start + int(self.record.values["duration"] or 0)


def tree(trace_id: str, records: Sequence[FactRecord], *, truncated: bool) -> dict[str, Any]:
    """In the order in which things began, children behind their parents."""
    nodes = {record.id: Node(record) for record in records}
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.record.values["parent_id"] or -1)
        if parent is None or parent is node:
            roots.append(node)
        else:
            node.parent = parent
            parent.children.append(node)
    roots = _below_the_turn(roots)
    for node in nodes.values():
        _add_up(node)
    spent: dict[str, float] = defaultdict(float)
    listed: list[dict[str, Any]] = []
    waiting = [(node, 0) for node in sorted(roots, key=lambda one: (-one.start, -one.record.id))]
    while waiting:
        node, depth = waiting.pop()
        own = _own_time(node)
        if own is not None:
            spent[_place(node)] += milliseconds(own)
        listed.append(_shape(node, depth, own))
        waiting += [(child, depth + 1) for child in sorted(node.children, key=lambda one: (-one.start, -one.record.id))]
    return {"trace_id": trace_id, "truncated": truncated, "where_time_went": dict(spent), "facts": listed}


def _below_the_turn(roots: list[Node]) -> list[Node]:
    """A turn that is inferred from the trace is what set off all of it."""
    turn = next((node for node in roots if _says(node, "user_turn", INFERRED_KIND)), None)
    if turn is None:
        return roots
    turn.children = [node for node in roots if node is not turn]
    for node in turn.children:
        node.parent = turn
    return [turn]


def _says(node: Node, fact_kind: str, kind: str) -> bool:
    values = node.record.values
    return bool(values["fact"] == fact_kind and values["kind"] == kind)


def _add_up(node: Node) -> None:
    """Adds what a fact counts to itself and to all above it."""
    values = node.record.values
    cost = values["reported_cost"] if values["reported_cost"] is not None else values["computed_cost"]
    at: Node | None = node
    for _ in range(MOST_DEEP):
        if at is None:
            return
        if values["counted"]:
            at.llm_calls += values["fact"] == "llm_call"
            at.tool_calls += values["fact"] == "tool_call"
        if values["counts_usage"]:
            at.tokens += (values["input_tokens"] or 0) + (values["output_tokens"] or 0)
            if cost is not None:
                at.cost = round((at.cost or 0.0) + cost, 10)
        at = at.parent


def _own_time(node: Node) -> int | None:
    if node.record.values["duration"] is None:
        return None
    covered, until = 0, node.start
    for child in sorted(node.children, key=lambda one: one.start):
        begin, end = max(child.start, until), min(child.end, node.end)
        if end > begin:
            covered += end - begin
            until = end
    return max(node.end - node.start - covered, 0)


def _place(node: Node) -> str:
    values = node.record.values
    return str(values["kind"] if values["fact"] in {"step", "event"} else values["fact"])


def _shape(node: Node, depth: int, own: int | None) -> dict[str, Any]:
    return {
        **fact(node.record),
        "depth": depth,
        "self_ms": None if own is None else milliseconds(own),
        "sum_llm_calls": node.llm_calls,
        "sum_tool_calls": node.tool_calls,
        "sum_tokens": node.tokens,
        "sum_cost_usd": node.cost,
    }
