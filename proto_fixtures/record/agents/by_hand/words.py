"""What several handwritten fixtures say alike: calls and agents in the words of the conventions, facts, plain readings."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import Source

SERVICE = Source({"service.name": "weather-service", "service.version": "1.4.0"}, "weather")
AFTER = "the conventions and the rules on counting"
GPT = "gpt-5-mini-2025-08-07"


def tokens(input_: int, output: int, read: int = 0, written: int = 0, reasoned: int = 0) -> dict[str, int]:
    return {"input": input_, "output": output, "cache_read": read, "cache_write": written, "reasoning": reasoned}


def called(count: int, models: dict[str, int], providers: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"count": count, "errors": 0, "no_usage": 0, "models": models, "providers": providers, **more}


def cost(reported: int = 0, computed: int = 0, unpriced: int = 0, **more: Any) -> dict[str, Any]:
    return {"reported": reported, "computed": computed, "unpriced": unpriced, **more}


def chat(input_: int, output: int, number: int, **more: Any) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": GPT,
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.input_tokens": input_,
        "gen_ai.usage.output_tokens": output,
        **more,
    }


def agent(name: str, **more: Any) -> dict[str, Any]:
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, **more}


def counted(fact: str, **where: Any) -> dict[str, Any]:
    return {"fact": fact, "of": "spans", "where": where}


def summed(fact: str, *keys: str, **where: Any) -> dict[str, Any]:
    return {"fact": fact, "of": "spans", "where": where, "sum": list(keys)}
