"""The agent libraries and coding agents that are recorded: which packages, which program, in which environment of their own."""

from __future__ import annotations

from dataclasses import dataclass

SDK = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")

# Every switch by which one of these libraries stops talking to its maker. All that is left is loopback.
QUIET = {
    "OPENAI_AGENTS_DISABLE_TRACING": "0",  # its tracing is recorded; the program takes away the exporter to its maker
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "TRACELOOP_TELEMETRY": "false",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "POSTHOG_DISABLED": "1",
    "AUTOGEN_TELEMETRY": "false",
    "NEXT_TELEMETRY_DISABLED": "1",
    "AI_SDK_LOG_WARNINGS": "false",
    "MASTRA_TELEMETRY_DISABLED": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "OTEL_PYTHON_LOG_LEVEL": "error",
}


@dataclass(frozen=True)
class Library:
    """``program`` runs with ``arguments`` in ``environment``, which holds ``packages``; ``first`` leads the meta data."""

    name: str
    environment: str
    program: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


_G2 = (("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental"),)
_CONTENT = ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT")
_GENAI = (*_G2, _CONTENT, ("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", "true"))
_LANGSMITH = (
    ("LANGSMITH_TRACING", "true"),
    ("LANGCHAIN_TRACING_V2", "true"),
    ("LANGSMITH_OTEL_ENABLED", "true"),
    ("LANGSMITH_OTEL_ONLY", "true"),
    ("LANGSMITH_API_KEY", "stub"),
    ("LANGSMITH_ENDPOINT", "http://127.0.0.1:9"),
    ("LANGSMITH_PROJECT", "weather"),
)

_OPENAI_AGENTS = (
    "openai-agents==0.24.0",
    "openinference-instrumentation-openai-agents==2.6.0",
    "opentelemetry-instrumentation-openai-agents==0.62.4",
    "opentelemetry-instrumentation-genai-openai-agents==1.3b0",
    "opentelemetry-instrumentation-genai-openai==1.3b0",
)
_LANGGRAPH = (
    "langchain",
    "langchain-openai",
    "langgraph",
    "langsmith[otel]",
    "openinference-instrumentation-langchain==0.1.80",
    "opentelemetry-instrumentation-langchain==0.62.4",
    "opentelemetry-instrumentation-genai-langchain==1.3b0",
)
_SDKS = (
    "openai",
    "anthropic",
    "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-instrumentation-anthropic==0.62.4",
    "opentelemetry-instrumentation-genai-openai==1.3b0",
    "opentelemetry-instrumentation-genai-anthropic==1.3b0",
    "openinference-instrumentation-openai==0.1.66",
    "openinference-instrumentation-anthropic==3.1.0",
)
_ALONE = {
    "openai-v2": "opentelemetry-instrumentation-openai-v2==2.3b0",
    "traceloop": "traceloop-sdk==0.62.4",
    "langfuse": "langfuse==5.0.4",
    "laminar": "lmnr==0.8.2",
    "agentops": "agentops==0.4.21",
}
_AI_SDK = {"v6": ("ai@6", "@ai-sdk/openai@3"), "v7": ("ai@7.0.173", "@ai-sdk/openai@4", "@ai-sdk/otel@1.0.173")}
_CODING_AGENTS = {
    "claude-code-recorded": ("claude", "@anthropic-ai/claude-code@2.1.328"),
    "codex-recorded": ("codex", "@openai/codex@0.169.0"),
    "gemini-cli-recorded": ("gemini", "@google/gemini-cli@0.61.0"),
    "qwen-code-recorded": ("qwen", "@qwen-code/qwen-code@0.24.4"),
}
_JAVASCRIPT = (
    "@opentelemetry/api@1",
    "@opentelemetry/resources@2",
    "@opentelemetry/sdk-trace-node@2",
    "@opentelemetry/sdk-metrics@2",
    "@opentelemetry/exporter-trace-otlp-proto@0.223.1",
    "@opentelemetry/exporter-metrics-otlp-proto@0.223.0",
)


def _variants(
    environment: str, program: str, packages: tuple[str, ...], variants: dict[str, tuple[tuple[str, str], ...]]
) -> tuple[Library, ...]:
    return tuple(
        Library(f"{environment}-{variant}", environment, f"python/{program}.py", packages, (variant,), variables)
        for variant, variables in variants.items()
    )


LIBRARIES: tuple[Library, ...] = (
    *_variants("openai-agents", "openai_agents", _OPENAI_AGENTS, {"openinference": (), "traceloop": (), "genai": _GENAI}),
    *_variants(
        "langgraph",
        "langgraph_agents",
        _LANGGRAPH,
        {"openinference": (), "traceloop": (), "genai": _GENAI, "langsmith": _LANGSMITH},
    ),
    *_variants(
        "pydantic-ai", "pydantic_agents", ("pydantic-ai-slim[openai]==2.68.0", "logfire<5.4"), {"native": (), "logfire": ()}
    ),
    *_variants("strands", "strands_agents", ("strands-agents[openai,otel]==1.62.0",), {"legacy": (), "latest": _G2}),
    *_variants("google-adk", "adk_agents", ("google-adk==2.13.0",), {"native": ()}),
    *_variants(
        "autogen",
        "autogen_agents",
        ("autogen-agentchat==0.7.5", "autogen-ext[openai]==0.7.5", "openinference-instrumentation-openai==0.1.66"),
        {"native": ()},
    ),
    *_variants(
        "sdks",
        "sdks",
        _SDKS,
        {"openllmetry": (), "genai": _GENAI, "openinference": ()},
    ),
    *(
        Library(f"sdks-{name}", name, "python/sdks.py", ("openai", "anthropic", "httpx", "wrapt<2", package), (name,))
        for name, package in _ALONE.items()
    ),
    *_variants(
        "crewai",
        "crewai_agents",
        (
            "crewai==1.15.30",
            "opentelemetry-instrumentation-crewai==0.62.4",
            "opentelemetry-instrumentation-openai==0.62.4",
            "openinference-instrumentation-crewai==1.1.21",
            "openinference-instrumentation-openai==0.1.66",
        ),
        {"native": (), "traceloop": (), "openinference": ()},
    ),
    *_variants(
        "agent-framework", "framework_agents", ("agent-framework-core==1.23.0", "agent-framework-openai==1.17.0"), {"native": ()}
    ),
    *(
        Library(
            f"ai-sdk-{variant}",
            f"ai-sdk-{variant[:2]}",
            "javascript/ai_sdk.mjs",
            (*_AI_SDK[variant[:2]], *_JAVASCRIPT),
            (variant,),
        )
        for variant in ("v6", "v7", "v7-legacy")
    ),
    *(
        Library(name, name, "javascript/coding_agent.mjs", (package,), (command,))
        for name, (command, package) in _CODING_AGENTS.items()
    ),
    *_variants("mcp", "mcp_pair", ("mcp==2.3.0",), {"native": ()}),
)
