"""Tokens as one convention counts them: input with what was read from and written to a cache, output with reasoning.

OTel, OpenAI, Codex, Copilot, Grok and Gemini count input so. Claude Code, and what passes on Anthropic's or Bedrock's own
figures, leave cached tokens out; Gemini leaves thoughts out of the output. Nobody's cached tokens can exceed an input that
includes them, which tells where no rule does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from storage.facts import coerce
from storage.facts.shapes import SLOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_INPUT: Final = SLOT["input_tokens"]
_OUTPUT: Final = SLOT["output_tokens"]
_READ: Final = SLOT["cache_read_tokens"]
_WRITE: Final = SLOT["cache_write_tokens"]
_REASONING: Final = SLOT["reasoning_tokens"]
_TOTAL: Final = SLOT["total_tokens"]
_THOUGHTS: Final = SLOT["thoughts"]
_DETAILS: Final = SLOT["usage_details"]
_SEMANTICS: Final = SLOT["token_semantics"]
_REPORTED: Final = SLOT["reported_cost"]
_COST_DETAILS: Final = SLOT["cost_details"]
_INPUT_COST: Final = SLOT["input_cost"]
_OUTPUT_COST: Final = SLOT["output_cost"]

# What OpenAI's own form has inside its details.
_WITHIN: Final = ("cached_tokens", "reasoning_tokens")
_READ_BUCKETS: Final = ("cached_tokens", "input_cached_tokens", "cache_read_input_tokens", "input_cache_read", "input_cached")
_WRITE_BUCKETS: Final = ("cache_creation_input_tokens", "input_cache_creation", "cache_write_input_tokens")
_INPUT_BUCKETS: Final = frozenset((*_READ_BUCKETS, *_WRITE_BUCKETS)) - {"cached_tokens"}
_REASONING_BUCKETS: Final = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens")


def normalise(slots: list[Any], exclusive: bool) -> None:
    """Works what was read into the columns; `exclusive`: this sender leaves cached tokens out of the input."""
    if slots[_DETAILS]:
        _read_buckets(slots, slots[_DETAILS])
    within = slots[_TOTAL] is not None and slots[_TOTAL] == (slots[_INPUT] or 0) + (slots[_OUTPUT] or 0)
    _normalise_input(slots, exclusive)
    reasoning, output = slots[_REASONING], slots[_OUTPUT]
    if slots[_THOUGHTS] is not None and output is not None:
        # Qwen Code passes on the figures of a compatible model, whose output has the thoughts in it; its total tells.
        if not within:
            slots[_OUTPUT] = output + slots[_THOUGHTS]
    elif reasoning is not None and output is not None and reasoning > output:
        slots[_OUTPUT] = output + reasoning
    if slots[_COST_DETAILS]:
        slots[_REPORTED] = _sum_of_costs(slots[_COST_DETAILS]) if slots[_REPORTED] is None else slots[_REPORTED]
    if slots[_REPORTED] is None and (slots[_INPUT_COST] is not None or slots[_OUTPUT_COST] is not None):
        slots[_REPORTED] = (slots[_INPUT_COST] or 0.0) + (slots[_OUTPUT_COST] or 0.0)
    add_up(slots)


def add_up(slots: list[Any]) -> None:
    """The total is what the parts make; a reported one counts only where there are no parts."""
    if slots[_INPUT] is not None or slots[_OUTPUT] is not None:
        slots[_TOTAL] = (slots[_INPUT] or 0) + (slots[_OUTPUT] or 0)


def _normalise_input(slots: list[Any], exclusive: bool) -> None:
    cached = (slots[_READ] or 0) + (slots[_WRITE] or 0)
    if not cached:
        return
    sent = slots[_INPUT]
    if sent is None:
        slots[_INPUT] = cached
    elif cached > sent or _leaves_out(slots, exclusive, sent, cached):
        slots[_INPUT] = sent + cached


def _leaves_out(slots: list[Any], exclusive: bool, sent: int, cached: int) -> bool:
    """What the sender states, then what its own total proves, then what is known of it."""
    if slots[_SEMANTICS] is not None:
        return bool(slots[_SEMANTICS] == "exclusive")
    if slots[_TOTAL] is not None and slots[_OUTPUT] is not None and slots[_TOTAL] - slots[_OUTPUT] in {sent, sent + cached}:
        return bool(slots[_TOTAL] - slots[_OUTPUT] == sent + cached)
    return exclusive


def _read_buckets(slots: list[Any], details: Mapping[str, Any]) -> None:
    """Buckets that exclude one another: input beside what was cached of it, output beside reasoning."""
    counts = [(key, coerce.count(value)) for key, value in list(details.items())[:100]]
    buckets = {key: number for key, number in counts if number is not None}
    for part in ("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"):
        within = coerce.mapping(details.get(part))
        buckets.update((key, number) for key in _WITHIN if (number := coerce.count(within.get(key))) is not None)
    read, write, reasoning = (_first(buckets, names) for names in (_READ_BUCKETS, _WRITE_BUCKETS, _REASONING_BUCKETS))
    inputs = [key for key in buckets if key == "input" or key.startswith("input_") or key in _INPUT_BUCKETS]
    outputs = [key for key in buckets if key == "output" or key.startswith("output_")]
    sums: dict[int, int | None] = {
        _INPUT: sum(buckets[key] for key in inputs) if inputs else buckets.get("prompt_tokens"),
        _OUTPUT: sum(buckets[key] for key in outputs) if outputs else buckets.get("completion_tokens"),
        _READ: read,
        _WRITE: write,
        _REASONING: reasoning,
        _TOTAL: buckets.get("total"),
    }
    if slots[_INPUT] is None:
        slots[_SEMANTICS] = "inclusive"  # the sum is, and so is OpenAI's prompt_tokens
    for slot, value in sums.items():
        if slots[slot] is None:
            slots[slot] = value


def _first(buckets: Mapping[str, int], names: tuple[str, ...]) -> int | None:
    return next((buckets[name] for name in names if name in buckets), None)


def _sum_of_costs(details: Mapping[str, Any]) -> float | None:
    total = coerce.dollars(details.get("total"))
    if total is not None:
        return total
    parts = [found for value in list(details.values())[:100] if (found := coerce.dollars(value)) is not None]
    return sum(parts) if parts else None
