"""The last step from what a record says to a fact: usage, provider, cost, tool and everything that needs more than one key."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from storage.facts import coerce
from storage.facts.coding_agents import EXCLUSIVE_INPUT
from storage.facts.providers import provider_of
from storage.facts.shapes import FACT_SIZE, SLOT
from storage.facts.usage import add_up, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.batch import Row
    from storage.facts.costs import Prices
    from storage.facts.shapes import Plan

_FACT: Final = SLOT["fact"]
_KIND: Final = SLOT["kind"]
_NAME: Final = SLOT["name"]
_TIME: Final = SLOT["time"]
_AGENT: Final = SLOT["agent_name"]
_AGENT_ID: Final = SLOT["agent_id"]
_PARENT_AGENT: Final = SLOT["parent_agent"]
_RESPONSE: Final = SLOT["response_id"]
_PROVIDER: Final = SLOT["provider"]
_MODEL: Final = SLOT["model"]
_INPUT: Final = SLOT["input_tokens"]
_OUTPUT: Final = SLOT["output_tokens"]
_READ: Final = SLOT["cache_read_tokens"]
_WRITE: Final = SLOT["cache_write_tokens"]
_COMPUTED: Final = SLOT["computed_cost"]
_SAVING: Final = SLOT["cache_saving"]
_VERSION: Final = SLOT["price_version"]
_TIER: Final = SLOT["service_tier"]
_TOOL: Final = SLOT["tool_name"]
_TOOL_TYPE: Final = SLOT["tool_type"]
_MCP: Final = SLOT["mcp_server"]
_HASH: Final = SLOT["arguments_hash"]
_TAGS: Final = SLOT["tags"]
_METADATA: Final = SLOT["metadata"]

_AGENT_NAME_KEYS: Final = (
    "gen_ai.agent.name", "agent.name", "agent_name", "qwen-code.subagent.name", "subagent_type", "agent_type",
)  # fmt: skip
# What stands for the product where a subagent names its parent.
_ITSELF: Final = (None, "main")
# Whose outermost agents have names of their own.
_NAME_THEMSELVES: Final = ("github-copilot", "copilot-chat")
_TOOL_PREFIXES: Final = (
    "execute_tool ", "running tool: ", "running tool ", "opencode.tool ", "tools/call ", "tool ", "MCP send tools/call ",
)  # fmt: skip
_BEDROCK: Final = ("anthropic", "claude", "amazon", "nova")


def complete(slots: list[Any], attributes: dict[str, Any], plan: Plan, prices: Prices, client: str | None) -> Row:
    """The fact row; `slots` hold what `plan` read."""
    if client is not None:
        _know_client(slots, attributes, client)
    if plan.usage:
        normalise(slots, client in EXCLUSIVE_INPUT or _is_bedrock_of_strands(slots))
    elif slots[_INPUT] is not None or slots[_OUTPUT] is not None:
        add_up(slots)
    fact = slots[_FACT]
    if slots[_PROVIDER] is not None or slots[_MODEL] is not None:
        slots[_PROVIDER] = provider_of(slots[_PROVIDER], slots[_MODEL], attributes)
    if fact == "llm_call":
        model = slots[_MODEL]
        if model is not None and slots[_KIND] == "llm" and "embed" in model.lower():
            slots[_KIND] = "embedding"
        if slots[_KIND] != "cached":
            _price(slots, prices)
    elif fact == "tool_call":
        _know_tool(slots, attributes, plan)
    if plan.rest:
        _describe(slots, attributes, plan)
    del slots[FACT_SIZE:]
    return tuple(slots)


def _price(slots: list[Any], prices: Prices) -> None:
    tokens, answer = slots[_INPUT], slots[_OUTPUT]
    if tokens is None and answer is None:
        return
    rates = prices.rates(slots[_PROVIDER], slots[_MODEL], slots[_TIME], slots[_TIER])
    if rates is not None:
        slots[_COMPUTED], slots[_SAVING], slots[_VERSION] = rates.cost(
            tokens or 0, answer or 0, slots[_READ] or 0, slots[_WRITE] or 0
        )


def _is_bedrock_of_strands(slots: list[Any]) -> bool:
    """Strands passes on what the model's API counted; Bedrock's leaves cached tokens out."""
    if slots[_PROVIDER] != "strands-agents" or slots[_MODEL] is None:
        return False
    model = slots[_MODEL].lower()
    return any(name in model for name in _BEDROCK)


def _know_client(slots: list[Any], attributes: Mapping[str, Any], client: str) -> None:
    """Coding agents: calls by the id that log records have too, subagents below the product."""
    request = coerce.text(attributes.get("request_id"))
    if request is not None and slots[_FACT] == "llm_call":
        slots[_RESPONSE] = request
    name = slots[_AGENT]
    if client == "codex" and name is not None and name.startswith("/"):
        # Codex names its agents by their path: the root is itself.
        name = slots[_AGENT] = coerce.text(name.removeprefix("/root").rpartition("/")[2])
    if name is not None and name == slots[_AGENT_ID] and not any(key in attributes for key in _AGENT_NAME_KEYS):
        slots[_AGENT] = None
    elif (
        name is not None
        and slots[_PARENT_AGENT] in _ITSELF
        and client not in _NAME_THEMSELVES
        and name.lower() not in {client, client.replace("-", "_")}
    ):
        slots[_PARENT_AGENT] = client


def _know_tool(slots: list[Any], attributes: Mapping[str, Any], plan: Plan) -> None:
    name = slots[_TOOL]
    if name is None:
        name = slots[_TOOL] = _tool_of_name(slots[_NAME])
    if name is not None and name.startswith("mcp__") and slots[_MCP] is None:
        server = name.split("__", 2)
        slots[_MCP] = server[1] if len(server) == 3 else None
    if "tool_parameters" in attributes and slots[_MCP] is None:
        slots[_MCP] = coerce.text(coerce.mapping(attributes["tool_parameters"]).get("mcp_server_name"))
    if slots[_MCP] is not None and slots[_TOOL_TYPE] is None:
        slots[_TOOL_TYPE] = "mcp"
    for key in plan.arguments:
        value = coerce.content(attributes[key])
        if value is not None:
            slots[_HASH] = arguments_hash(value)
            return


def arguments_hash(value: Any) -> str:
    """The same for equal arguments, as JSON in a text or as values."""
    text = coerce.dumped(coerce.parsed(value))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _tool_of_name(name: str) -> str | None:
    for prefix in _TOOL_PREFIXES:
        if name.startswith(prefix):
            return coerce.text(name[len(prefix) :])
    return coerce.text(name)


def _describe(slots: list[Any], attributes: Mapping[str, Any], plan: Plan) -> None:
    if plan.tags:
        tags = [tag for key in plan.tags for tag in coerce.strings(attributes[key])]
        slots[_TAGS] = coerce.dumped(list(dict.fromkeys(tags))) if tags else None
    if plan.metadata:
        entries: dict[str, Any] = {}
        for key in plan.metadata:
            value = coerce.mapping(attributes[key]) if key == "metadata" else {key: attributes[key]}
            entries.update((name, said) for name, said in value.items() if isinstance(said, str | int | float | list))
        slots[_METADATA] = coerce.bounded(entries)
