"""The parameters that the paths about agents share, each described once, and the filter that they make."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from query import kinds, vocabulary
from query.parameters import time_range
from query.question import Parameter
from storage.agents_contract import GROUPS, FactFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_DOLLARS = 10**9
METADATA = "metadata."
# Days and hours of UTC.
INTERVALS_OF = {"day": 86_400 * 10**9, "hour": 3_600 * 10**9}
USAGE_GROUPS = (*GROUPS, "user", "session", *INTERVALS_OF)


def dollars(value: str, _now: int) -> float:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number <= MOST_DOLLARS):
        raise ValueError("is not a number of US dollars, zero or more")
    return float(number)


def group(value: str, _now: int) -> str:
    if value in USAGE_GROUPS or re.fullmatch(r'metadata\.[^"\\\x00]{1,100}', value):
        return value
    raise ValueError(f"is not one of {', '.join(USAGE_GROUPS)}, nor metadata.<key>")


DOLLARS = kinds.Kind({"type": "number", "minimum": 0, "maximum": MOST_DOLLARS}, dollars)
_GROUP_PATTERN = rf'^({"|".join(USAGE_GROUPS)}|metadata\.[^"\\\x00,]{{1,100}})$'
GROUP = kinds.Kind({"type": "string", "pattern": _GROUP_PATTERN}, group)
AGENT = Parameter("agent", kinds.TEXT, "Only of this agent, by name.", example="planner", narrows=True)
SESSION = Parameter("session", kinds.TEXT, "Only of this session or conversation.", example="s-42", narrows=True)
USER = Parameter("user", kinds.TEXT, "Only of this user.", example="ada", narrows=True)
MODEL = Parameter("model", kinds.TEXT, "Only calls of this model.", example="gpt-4o", narrows=True)
PROVIDER = Parameter("provider", kinds.TEXT, "Only calls to this provider.", example="openai")
TOOL = Parameter("tool", kinds.TEXT, "Only calls of this tool.", example="search", narrows=True)
MCP_SERVER = Parameter("mcp_server", kinds.TEXT, "Only tools of this MCP server.", example="github")
WORKFLOW = Parameter("workflow", kinds.TEXT, "Only within this workflow.", example="checkout")
VERSION = Parameter("version", kinds.TEXT, "Only of this version of the agent.", example="2.1")
PARENT_AGENT = Parameter("parent_agent", kinds.TEXT, "Only of agents that this one called.", example="planner")
STATUS = Parameter("status", kinds.choice(("error", "ok")), "`error`: what failed; `ok`: what did not.", example="error")
ERROR_TYPE = Parameter("error_type", kinds.TEXT, "Only failures of this type.", example="timeout")
FINISH = Parameter("finish_reason", kinds.TEXT, "Only calls that ended for this reason.", example="length")
DECISION = Parameter("decision", kinds.TEXT, "Only tool calls that a person or rule decided so.", example="reject")
KIND = Parameter("kind", kinds.TEXT, "Only of this kind, such as `retriever` or `compaction`.", example="retriever")
MIN_COST = Parameter("min_cost", DOLLARS, "At least this dear, in US dollars.", example="0.5")
GROUP_BY = Parameter(
    "group_by",
    kinds.several(GROUP),
    f"Up to two of {', '.join(USAGE_GROUPS)}, or `metadata.<key>` or `session` alone; `day` and `hour` are the interval as well.",
    example="agent,model",
)
RANGE = (vocabulary.START, vocabulary.END)
FILTERS = (
    AGENT, PARENT_AGENT, VERSION, vocabulary.SERVICE, WORKFLOW, PROVIDER, MODEL, TOOL, MCP_SERVER, STATUS, ERROR_TYPE, FINISH,
    DECISION, KIND, USER,
)  # fmt: skip
FACT_FILTERS = (*RANGE, *FILTERS, SESSION, vocabulary.TRACE_ID, MIN_COST)
CONTENT = Parameter(
    "content", kinds.choice(("true", "false")), "Whether prompts, answers, arguments and results come along.", example="true",
    default="false",
)  # fmt: skip
FORMAT = Parameter(
    "format", kinds.choice(("json", "jsonl")), "An array, or one JSON object a line.", example="jsonl", default="json"
)
ORDER = Parameter(
    "order",
    kinds.choice(("newest", "duration", "input_tokens", "output_tokens", "cost")),
    "Newest first, or the greatest first: of those there is one page, and of the last seven days where no start is given.",
    example="cost",
    default="newest",
)
IDENTIFIER = Parameter("id", kinds.TEXT, "Its id.", example="1", required=True)
NUMBER = Parameter("id", kinds.count(0, 10**9 - 1), "Its id.", example="1", required=True)
FACT_NUMBER = replace(
    NUMBER, kind=kinds.Kind({"type": "string", "pattern": "^[0-9]{1,18}$"}, lambda value, _now: fact_number(value))
)


def fact_number(value: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", value, re.ASCII):
        raise ValueError("is not an id: give a whole number")
    return int(value)


def fact_filter(values: Mapping[str, Any]) -> FactFilter:
    """The filter that the values read from a query string make; those that a path does not take are not given."""
    status = values.get("status")
    plain = ("agent", "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "error_type")
    more = ("finish_reason", "decision", "kind", "user", "session", "trace_id")
    return FactFilter(
        time_range(values),
        **{name: values.get(name) for name in (*plain, *more)},
        failed=None if status is None else status == "error",
    )
