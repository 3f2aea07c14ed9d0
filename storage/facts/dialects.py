"""What a kind really is, where an instrumentation says one thing and means another.

Found in recordings of the libraries: spans whose name tells better than their operation, agents that are the workflow around
the agents, hand-overs that look like tools. A function of one span alone, asked only where one of QUIRK_KEYS is present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from storage.facts import coerce

if TYPE_CHECKING:
    from collections.abc import Mapping

QUIRK_KEYS: Final = frozenset((
    "crewai.execution_uuid", "crewai.crew.tasks", "crewai.task.id", "traceloop.span.kind", "openinference.span.kind",
    "langsmith.metadata.lc_agent_name", "agentops.span.kind", "tool.call.id",
))  # fmt: skip
_CREW: Final = {
    "execute agent": "agent", "execute task": "chain", "execute crew": "workflow",
    "tool failure": "tool_execution",  # a second span of a failed tool
}  # fmt: skip
_AROUND_RUNS: Final = "openinference.instrumentation.openai_agents"


def corrected_kind(kind: str, name: str, attributes: Mapping[str, Any], scope: str | None) -> str:
    if "crewai.execution_uuid" in attributes:
        return _CREW.get(name, kind)
    if "openinference.span.kind" in attributes:
        return _openinference(kind, name, attributes, scope)
    if kind == "agent":
        return _around_agents(attributes)
    if kind == "chain" and attributes.get("langsmith.metadata.lc_agent_name") == name:
        return "agent"
    # AgentOps: what the model asked for, beside the tool's own run.
    return "tool_execution" if "tool.call.id" in attributes and name.startswith("tool_call.") else kind


def _around_agents(attributes: Mapping[str, Any]) -> str:
    """OpenLLMetry calls the workflow and the tasks around agents their invocations too."""
    around = attributes.get("traceloop.span.kind")
    if around == "workflow" or ("crewai.crew.tasks" in attributes and "crewai.agent.role" not in attributes):
        return "workflow"
    return "chain" if around == "task" else "agent"


def _openinference(kind: str, name: str, attributes: Mapping[str, Any], scope: str | None) -> str:
    if kind == "agent":
        if "tool.name" in attributes:
            return "tool"
        is_named = "agent.name" in attributes or "gen_ai.agent.name" in attributes
        return "workflow" if scope is not None and scope.startswith(_AROUND_RUNS) and not is_named else "agent"
    if kind == "tool" and "tool.name" not in attributes and name.lower().startswith("handoff"):
        return "handoff"
    return kind


def agent_of_span(name: str, attributes: Mapping[str, Any]) -> str | None:
    """The agent's name by the name of its span, for conventions that put it there."""
    if "openinference.span.kind" in attributes:
        return coerce.text(
            attributes.get("graph.node.name") or attributes.get("graph.node.id") or name.removesuffix("._execute_core")
        )
    if any(key in attributes for key in ("langfuse.observation.type", "lmnr.span.type")):
        return coerce.text(name)
    if "agentops.span.kind" in attributes:
        return coerce.text(attributes.get("operation.name") or name.removesuffix(".agent"))
    return None
