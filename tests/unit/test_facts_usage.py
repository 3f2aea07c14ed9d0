"""Tokens end in one convention whoever counted them, and reported cost beats computed cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.facts_records import span_fact

CHAT = {"gen_ai.operation.name": "chat"}
CLAUDE = {"service.name": "claude-code"}


def tokens(attributes: dict[str, Any], **more: Any) -> tuple[int | None, ...]:
    fact = span_fact({**CHAT, **attributes}, **more)
    return (
        fact.input_tokens, fact.output_tokens, fact.cache_read_tokens, fact.cache_write_tokens, fact.reasoning_tokens,
        fact.total_tokens,
    )  # fmt: skip


def test_input_includes_cached_tokens_by_the_conventions() -> None:
    usage = {
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 900,
    }
    assert tokens(usage) == (1_000, 50, 900, None, None, 1_050)


def test_claude_code_leaves_cached_tokens_out() -> None:
    attributes = {"input_tokens": 100, "output_tokens": 50, "cache_read_tokens": 40, "cache_creation_tokens": 20}
    assert tokens(attributes, resource=CLAUDE) == (160, 50, 40, 20, None, 210)


def test_grok_includes_them() -> None:
    attributes = {"input_tokens": 100, "output_tokens": 50, "cache_read_tokens": 40, "reasoning_tokens": 30}
    assert tokens(attributes, scope="ai.xai.grok_code") == (100, 50, 40, None, 30, 150)


@pytest.mark.parametrize(("model", "input_tokens"), [("us.anthropic.claude-sonnet-4-20250514-v1:0", 130), ("gpt-4o", 100)])
def test_strands_passes_on_what_the_model_counts(model: str, input_tokens: int) -> None:
    attributes = {
        "gen_ai.provider.name": "strands-agents", "gen_ai.request.model": model, "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read_input_tokens": 30,
    }  # fmt: skip
    assert tokens(attributes)[0] == input_tokens


def test_more_cached_than_input_proves_that_they_were_left_out() -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 900}
    assert tokens(usage) == (910, 5, 900, None, None, 915)


@pytest.mark.parametrize(("total", "input_tokens"), [(150, 100), (190, 140)])
def test_a_reported_total_proves_it_as_well(total: int, input_tokens: int) -> None:
    attributes = {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cache_read_input_tokens": 40,
        "gen_ai.usage.total_tokens": total,
    }  # fmt: skip
    assert tokens(attributes)[0] == input_tokens


def test_stated_semantics_go_first() -> None:
    attributes = {"input_tokens": 100, "output_tokens": 5, "cache_read_tokens": 40, "gen_ai.token.semantics": "inclusive"}
    assert tokens(attributes, resource=CLAUDE)[0] == 100


def test_thoughts_are_billed_as_output() -> None:
    attributes = {"input_token_count": 100, "output_token_count": 50, "thoughts_token_count": 30}
    assert tokens(attributes, resource={"service.name": "gemini-cli"}) == (100, 80, None, None, 30, 180)


def test_reasoning_is_inside_the_output() -> None:
    attributes = {"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.reasoning.output_tokens": 30}
    assert tokens(attributes)[1] == 50
    assert tokens({**attributes, "gen_ai.usage.reasoning.output_tokens": 70})[1] == 120


def test_langfuse_buckets_exclude_one_another() -> None:
    details = (
        '{"input": 100, "input_cached_tokens": 900, "cache_creation_input_tokens": 50, "output": 20,'
        ' "output_reasoning_tokens": 7, "total": 1077}'
    )
    found = span_fact({"langfuse.observation.type": "generation", "langfuse.observation.usage_details": details})
    assert (found.input_tokens, found.output_tokens) == (1_050, 27)
    assert (found.cache_read_tokens, found.cache_write_tokens, found.reasoning_tokens) == (900, 50, 7)
    plain = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": '{"total": 70}'}
    assert span_fact(plain).total_tokens == 70


@pytest.mark.parametrize(
    ("details", "dollars"), [('{"total": 0.5, "input": 0.4}', 0.5), ('{"input": 0.4, "output": 0.2}', pytest.approx(0.6))]
)
def test_langfuse_cost(details: str, dollars: float) -> None:
    found = span_fact({"langfuse.observation.type": "generation", "langfuse.observation.cost_details": details})
    assert found.reported_cost == dollars


@pytest.mark.parametrize("prefix", ["llm.cost.prompt llm.cost.completion", "gen_ai.usage.input_cost gen_ai.usage.output_cost"])
def test_costs_by_part_are_added(prefix: str) -> None:
    first, second = prefix.split()
    assert span_fact({**CHAT, first: 0.4, second: "0.2"}).reported_cost == pytest.approx(0.6)


def test_reported_and_computed_cost_stay_apart() -> None:
    attributes = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1_200, "gen_ai.usage.output_tokens": 350}
    fact = span_fact({**CHAT, **attributes, "operation.cost": 0.5})
    assert fact.reported_cost == 0.5
    assert fact.computed_cost == pytest.approx(0.0065)
    assert fact.price_version is not None
    unpriced = span_fact({**CHAT, **attributes, "gen_ai.request.model": "house-model"})
    assert (unpriced.reported_cost, unpriced.computed_cost, unpriced.price_version) == (None, None, None)


def test_credits_are_no_dollars() -> None:
    fact = span_fact({**CHAT, "github.copilot.cost": 1.0, "github.copilot.nano_aiu": 5_000})
    assert (fact.credits, fact.nano_units, fact.reported_cost) == (1.0, 5_000, None)


def test_an_answer_from_a_cache_costs_nothing() -> None:
    attributes = {"lmnr.span.type": "CACHED", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1_200}
    fact = span_fact(attributes)
    assert (fact.kind, fact.computed_cost) == ("cached", None)


def test_only_model_calls_are_priced() -> None:
    fact = span_fact({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 9,
    })  # fmt: skip
    assert (fact.total_tokens, fact.computed_cost) == (18, None)


def test_totals_of_pydantic_ai_are_a_roll_up() -> None:
    fact = span_fact({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.aggregated_usage.input_tokens": 70,
        "gen_ai.aggregated_usage.output_tokens": 30,
    })  # fmt: skip
    assert (fact.fact, fact.total_tokens) == ("agent_run", 100)


def test_a_service_tier_changes_the_price() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-5-mini", "gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 1_000_000,
        "gen_ai.usage.output_tokens": 0,
    }  # fmt: skip
    plain = span_fact({**CHAT, **attributes}).computed_cost
    flex = span_fact({**CHAT, **attributes, "openai.response.service_tier": "flex"}).computed_cost
    default = span_fact({**CHAT, **attributes, "openai.response.service_tier": "default"}).computed_cost
    assert plain == default
    assert plain is not None
    assert flex is not None
    assert flex < plain


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (7, 7), ("7", 7), (" 7 ", 7), (7.0, 7), (0, 0), (7.5, None), (-7, None), (True, None), ("many", None), ("", None),
        (10**13, None), (float("inf"), None), (float("nan"), None), ([7], None), ({"a": 7}, None), (b"7", None),
        ("9" * 500, None),
    ],
)  # fmt: skip
def test_counts_come_in_any_type(sent: Any, read: int | None) -> None:
    assert span_fact({**CHAT, "gen_ai.usage.input_tokens": sent}).input_tokens == read


@pytest.mark.parametrize(
    ("sent", "read"), [("0.25", 0.25), (1, 1.0), (-1, None), ("free", None), (1e18, None), (float("nan"), None)]
)
def test_costs_come_in_any_type(sent: Any, read: float | None) -> None:
    assert span_fact({**CHAT, "gen_ai.usage.cost": sent}).reported_cost == read
