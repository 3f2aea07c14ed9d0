"""What the stub model answers: a rule, so that a program's whole course can be told before it runs.

Of the tools it is offered it calls, one at a time, the first that was not called since the user last spoke; when none is left
it answers in words. A user message with the word "overload" is refused with 429; one that says "one tool" allows one call. The
n-th call of a run, refused ones included, costs what ``usage`` says, so that any wrong sum shows which calls were left out or
counted twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

CITIES = re.compile(r"\b(Paris|Rome|Oslo)\b")
DATED = {"gpt-5-mini": "gpt-5-mini-2025-08-07", "claude-sonnet-4-5": "claude-sonnet-4-5-20250929"}


@dataclass(frozen=True)
class Usage:
    """Tokens of one call: ``input`` holds the cached ones, ``output`` the reasoning."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Tool:
    name: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request, whatever its protocol."""

    protocol: str
    model: str
    stream: bool
    texts: tuple[str, ...]  # of the user, oldest first
    tools: tuple[Tool, ...]
    called: tuple[str, ...]  # tools called since the user last spoke
    usage_wanted: bool = True  # OpenAI streams carry usage only when asked to


@dataclass(frozen=True)
class Reply:
    number: int
    model: str
    usage: Usage
    text: str = ""
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    refused: bool = False


def usage(number: int, protocol: str) -> Usage:
    """Odd calls: nothing cached, no reasoning. Even calls: 64 tokens read from cache, and as many reasoned as their number.

    Anthropic has no count of reasoning; it writes 32 tokens to its cache on odd calls.
    """
    plain = Usage(input=100 * number + 50, output=10 * number + 20)
    if number % 2:
        return Usage(plain.input, plain.output, cache_write=32) if protocol == "anthropic" else plain
    return Usage(plain.input, plain.output, cache_read=64, reasoning=0 if protocol == "anthropic" else number)


def reply(asked: Asked, number: int) -> Reply:
    model = DATED.get(asked.model, asked.model)
    last = asked.texts[-1] if asked.texts else ""
    if "overload" in last:
        return Reply(number, model, Usage(0, 0), refused=True)
    spent = usage(number, asked.protocol)
    city = _city(asked.texts)
    enough = bool(asked.called) and "one tool" in last
    for tool in asked.tools:
        if tool.name not in asked.called and not enough:
            return Reply(number, model, spent, tool=tool.name, arguments=_arguments(tool.schema, city))
    return Reply(number, model, spent, text=f"The forecast for {city} was looked up; this is answer {number}.")


def _city(texts: tuple[str, ...]) -> str:
    for text in reversed(texts):
        if found := CITIES.findall(text):
            return str(found[-1])
    return "Nowhere"


def _arguments(schema: dict[str, Any], city: str) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or list(properties)
    return {name: _value(name, properties.get(name) or {}, city) for name in required}


def _value(name: str, schema: dict[str, Any], city: str) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    if "city" in name:
        return city
    kind = str(schema.get("type", "string")).lower()
    return {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}.get(kind, f"weather in {city}")
