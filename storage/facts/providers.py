"""Who answered a model call: names of the present convention, none for frameworks, and a guess from the model's name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from storage.facts import coerce
from storage.facts.fields import CALL

# Frameworks that put their own name where the provider's belongs.
FRAMEWORKS: Final = frozenset(
    ("strands-agents", "gcp.vertex.agent", "autogen", "crewai", "github", "langchain", "litellm", "ag2", "pydantic-ai")
)
_RENAMED: Final = {
    "vertex_ai": "gcp.vertex_ai", "vertexai": "gcp.vertex_ai", "gemini": "gcp.gemini", "google": "gcp.gemini",
    "az.ai.inference": "azure.ai.inference", "az.ai.openai": "azure.ai.openai", "azure": "azure.ai.openai", "xai": "x_ai",
    "bedrock": "aws.bedrock", "amazon-bedrock": "aws.bedrock", "aws_bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai",
    "mistralai": "mistral_ai", "mistral": "mistral_ai",
}  # fmt: skip
_WITH_PARTS: Final = frozenset(
    ("openai", "anthropic", "google", "mistral", "cohere", "groq", "xai", "deepseek", "perplexity", "amazon-bedrock", "vertex")
)
_OF_MODEL: Final = (
    ("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"), ("codex", "openai"),
    ("text-embedding-", "openai"), ("claude", "anthropic"), ("gemini", "gcp.gemini"), ("grok", "x_ai"),
    ("deepseek", "deepseek"), ("mistral", "mistral_ai"), ("magistral", "mistral_ai"), ("devstral", "mistral_ai"),
    ("codestral", "mistral_ai"), ("command-", "cohere"), ("sonar", "perplexity"), ("kimi", "moonshot_ai"),
    ("us.", "aws.bedrock"), ("eu.", "aws.bedrock"), ("apac.", "aws.bedrock"), ("global.", "aws.bedrock"),
    ("anthropic.", "aws.bedrock"), ("amazon.", "aws.bedrock"), ("meta.", "aws.bedrock"),
)  # fmt: skip


def provider_of(sent: str | None, model: str | None, attributes: dict[str, Any]) -> str | None:
    """`sent` under its present name; a framework gives way to the next source, and then to what the model's name tells."""
    if sent is not None:
        name = sent.lower() if len(sent) < 64 else sent
        if name not in FRAMEWORKS:
            return present_name(name)
        for source in CALL["provider"]:
            found = (source.read or coerce.text)(attributes.get(source.key))
            if found is not None and found.lower() not in FRAMEWORKS:
                return present_name(found.lower())
    return provider_of_model(model) if model is not None else None


def present_name(name: str) -> str:
    """The present name of a provider; `openai.chat` and `google.generative-ai` are the Vercel AI SDK's for parts of one."""
    found = _RENAMED.get(name)
    if found is None and (head := name.split(".", 1)[0]) in _WITH_PARTS:
        return _RENAMED.get(head, head)
    return found or name


@lru_cache(maxsize=2_048)
def provider_of_model(model: str) -> str | None:
    name = model.lower()
    found = next((provider for prefix, provider in _OF_MODEL if name.startswith(prefix)), None)
    if found is None and "/" in name:
        vendor = name.split("/", 1)[0]
        return _RENAMED.get(vendor, vendor) if vendor in _VENDORS else None
    return found


_VENDORS: Final = frozenset((*_RENAMED, *(provider for _, provider in _OF_MODEL)))
