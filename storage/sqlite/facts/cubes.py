"""By what facts are summed: a few small cubes, each with the names that are asked for together.

One cube with all names would have nearly as many cells as there are facts. A question takes the first cube that has every name
in it; what no cube has together is not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Cube(NamedTuple):
    """`facts` are the kinds of facts in it, None for all; of those OF_FAILURES only facts that failed."""

    names: frozenset[str]
    facts: frozenset[str] | None = None


# The small ones first. "service" to "failure" repeat what others have in more detail: a question by tool alone reads 20 cells an
# hour instead of 2,600, and writing them costs little, since a commit's facts share them.
CUBES: Final = {
    "service": Cube(frozenset(("service", "version"))),
    "provider": Cube(frozenset(("provider", "model")), frozenset(("llm_call",))),
    "server": Cube(frozenset(("tool", "mcp_server", "decision")), frozenset(("tool_call",))),
    "failure": Cube(frozenset(("error_type",))),
    "flow": Cube(frozenset(("agent", "workflow", "kind", "finish_reason"))),
    "agent": Cube(frozenset(("agent", "parent_agent", "version", "service"))),
    "model": Cube(frozenset(("agent", "version", "service", "provider", "model")), frozenset(("llm_call",))),
    "tool": Cube(frozenset(("agent", "service", "tool", "mcp_server", "decision")), frozenset(("tool_call",))),
    "error": Cube(frozenset(("agent", "service", "provider", "model", "tool", "mcp_server", "error_type"))),
    "user": Cube(frozenset(("user",))),
    "label": Cube(frozenset(("metadata",))),
}
OF_FAILURES: Final = ("failure", "error")


def cube_with(names: Collection[str], *, failed: bool) -> str | None:
    """The first cube that has all `names`; with `failed` the one of failures. "fact" is in every cube."""
    wanted = set(names) - {"fact"}
    order = OF_FAILURES if failed else CUBES
    return next((name for name in order if wanted <= CUBES[name].names), None)


def cube_for(names: Collection[str], fact: str) -> str:
    """The cube that has most of the `names` for one kind of fact."""
    fitting = {
        name: cube for name, cube in CUBES.items() if name not in OF_FAILURES and (cube.facts is None or fact in cube.facts)
    }
    return max(fitting, key=lambda name: len(fitting[name].names & set(names)))
