"""What a model call costs: equal to the price data's own arithmetic for every model in it, and never silently nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers

from storage.facts.costs import Prices, candidates, data_version
from storage.facts.price_overrides import PriceFileError

if TYPE_CHECKING:
    from pathlib import Path

    from genai_prices.types import Provider

NOON = 1_795_348_800_000_000_000
# Its models are not found by their own ids.
NOT_FOUND_BY_ID = ("fireworks",)
CALLS = [
    (12_000, 800, 9_000, 1_000),
    (1_200, 350, 0, 0),
    (1_200, 350, 1_000, 0),
    (300_000, 5_000, 250_000, 0),
    (1_100_000, 9_000, 0, 40_000),
]


def cost(provider: str | None, model: str, tokens: tuple[int, int, int, int], time: int = NOON) -> float | None:
    found = Prices().cost(provider, model, tokens, time)
    return None if found is None else found.dollars


def _library_price(provider: str, model: str, tokens: tuple[int, int, int, int], moment: int) -> float | None:
    """None where the data does not find a model by its own id."""
    usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1], cache_read_tokens=tokens[2], cache_write_tokens=tokens[3])
    try:
        found = calc_price(usage, model, provider_id=provider, genai_request_timestamp=datetime.fromtimestamp(moment / 1e9, UTC))
    except LookupError:
        return None
    return float(found.total_price)


@pytest.mark.parametrize("provider", providers, ids=lambda provider: provider.id)
def test_every_model_costs_what_the_price_data_says(provider: Provider) -> None:
    prices = Prices()
    compared = 0
    for model in provider.models:
        for moment in (NOON - 400 * 86_400 * 10**9, NOON + 8 * 3_600 * 10**9):
            for tokens in CALLS:
                found, wanted = (
                    prices.cost(provider.id, model.id, tokens, moment),
                    _library_price(provider.id, model.id, tokens, moment),
                )
                if found is not None and wanted is not None:
                    compared += 1
                    assert found.dollars == pytest.approx(wanted, rel=1e-9, abs=1e-12), model.id
    assert compared or provider.id in NOT_FOUND_BY_ID


@pytest.mark.parametrize(
    ("provider", "model", "tokens", "dollars"),
    [
        ("anthropic", "claude-sonnet-4-5", (12_000, 800, 9_000, 1_000), 0.02445),
        ("openai", "gpt-4o", (1_200, 350, 0, 0), 0.0065),
        (None, "gpt-5-mini", (1_200, 350, 1_000, 0), 0.000775),
        ("gcp.gemini", "gemini-2.5-flash", (1_000, 100, 0, 0), 0.00055),
        ("gcp.gen_ai", "gemini-2.5-flash", (1_000, 100, 0, 0), 0.00055),
        ("github", "gpt-4o", (1_200, 350, 0, 0), 0.0065),
        ("openai", "openai/gpt-4o", (1_200, 350, 0, 0), 0.0065),
        (None, "openai/gpt-4o", (1_200, 350, 0, 0), 0.0065),
        ("anthropic", "claude-opus-4-8[1m]", (1_000, 0, 0, 0), 0.005),
    ],
)
def test_known_prices(provider: str | None, model: str, tokens: tuple[int, int, int, int], dollars: float) -> None:
    assert cost(provider, model, tokens) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "provider", ["x_ai", "azure.ai.inference", "azure.ai.openai", "mistral_ai", "moonshot_ai", "aws.bedrock"]
)
def test_names_of_the_conventions_reach_a_provider(provider: str) -> None:
    models = {
        "x_ai": "grok-3",
        "azure.ai.inference": "gpt-4o",
        "azure.ai.openai": "gpt-4o",
        "mistral_ai": "mistral-large-latest",
        "moonshot_ai": "kimi-k2-0711-preview",
        "aws.bedrock": "anthropic.claude-3-5-sonnet-20241022-v2:0",
    }
    assert cost(provider, models[provider], (1_000, 100, 0, 0)) is not None


def test_a_bedrock_region_is_looked_through() -> None:
    assert cost("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", (1_000, 100, 0, 0)) == pytest.approx(0.0045)


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "our-own-model"), (None, "stub"), ("ollama", "gpt-4o"), ("vllm", "gpt-4o")]
)
def test_an_unknown_model_has_no_cost(provider: str | None, model: str) -> None:
    assert cost(provider, model, (1_000, 100, 0, 0)) is None


def test_cached_tokens_save() -> None:
    found = Prices().cost("anthropic", "claude-sonnet-4-5", (10_000, 0, 9_000, 0), NOON)
    assert found is not None
    assert found.saving == pytest.approx(9_000 * (3.0 - 0.3) / 1e6)
    assert found.version == data_version()
    assert data_version().startswith("genai-prices ")


def test_own_prices_go_first(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"GPT-4o": {"input_cost_per_token": 1e-6, "output_cost_per_token": 0}, "sample_spec": {"mode": "chat"}}')
    prices = Prices.from_file(path)
    found = prices.cost("openai", "gpt-4o", (1_000_000, 5, 0, 0), NOON)
    assert found is not None
    assert found.dollars == pytest.approx(1.0)
    assert found.version.startswith("own prices ")
    free = tmp_path / "free.json"
    free.write_text('{"ollama/llama3": {"input_cost_per_token": 0, "output_cost_per_token": 0}}')
    told = Prices.from_file(free).cost("ollama", "llama3", (9, 9, 0, 0), NOON)
    assert told is not None
    assert told.dollars == 0
    assert Prices.from_file(None).cost("ollama", "llama3", (9, 9, 0, 0), NOON) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[", "is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"m": 3}', "'m' must be an object"),
        ('{"m": {"input_cost_per_token": 1}}', "lacks output_cost_per_token"),
        ('{"m": {"input_cost_per_token": -1, "output_cost_per_token": 0}}', "must be a number of dollars"),
        ('{"m": {"input_cost_per_token": true, "output_cost_per_token": 0}}', "must be a number of dollars"),
    ],
)
def test_a_wrong_price_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(PriceFileError, match=complaint):
        Prices.from_file(path)


def test_a_missing_price_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"absent\.json cannot be read"):
        Prices.from_file(tmp_path / "absent.json")


def test_candidates_go_from_exact_to_loose() -> None:
    assert candidates("azure.ai.inference", "openai/gpt-4o:free")[:2] == [
        ("azure", "openai/gpt-4o:free"),
        (None, "openai/gpt-4o:free"),
    ]
    assert (None, "gpt-4o") in candidates("azure.ai.inference", "openai/gpt-4o:free")
