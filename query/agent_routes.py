"""The paths about agents, as data like those of query.routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from query import agent_vocabulary as words
from query import kinds, vocabulary
from query.agents import (
    list_active,
    list_agents,
    list_loops,
    list_users,
    show_agent,
    show_agent_graph,
    show_agent_summary,
    show_completeness,
)
from query.facts import (
    list_agent_events,
    list_agent_runs,
    list_agent_steps,
    list_llm_calls,
    list_tool_calls,
    list_user_turns,
    show_llm_call,
    show_tool_call,
    show_trace_facts,
)
from query.question import Parameter, Question, Route
from query.schemas import array, ref
from query.sessions import list_sessions, show_session
from query.usage import compare, list_errors, list_metric_usage, list_models, list_tools, list_usage, search

if TYPE_CHECKING:
    from aiohttp import web

Handler: TypeAlias = Callable[[Question], Awaitable["web.StreamResponse"]]
_RANGE_TOLD = "Sums are exact; where an end of the range falls into an hour with very many facts it is widened to the hour."
_LIST = (*words.FACT_FILTERS, words.ORDER, words.CONTENT, words.FORMAT, *vocabulary.PAGE)


def _facts(path: str, handler: Handler, summary: str, description: str = "") -> Route:
    return Route(
        path=path,
        handler=handler,
        summary=summary,
        description=description,
        parameters=_LIST,
        schema=array(ref("Fact")),
        text_types=("application/jsonl",),
        tag="agents",
        paged=True,
    )


def _one(path: str, handler: Handler, summary: str) -> Route:
    return Route(
        path=path,
        handler=handler,
        summary=summary,
        parameters=(words.FACT_NUMBER,),
        schema=ref("FactDetail"),
        tag="agents",
    )


AGENT_ROUTES = (
    Route(
        path="/api/agents",
        handler=list_agents,
        summary="Agents, the one seen last first",
        description=f"One for each agent name. Percentiles are of runs, else of model calls. {_RANGE_TOLD}",
        parameters=(*words.RANGE, words.AGENT, vocabulary.SERVICE, words.MODEL, words.WORKFLOW, vocabulary.MANY),
        schema=array(ref("Agent")),
        tag="agents",
    ),
    Route(
        path="/api/agents/{id}",
        handler=show_agent,
        summary="One agent",
        parameters=(words.IDENTIFIER, *words.RANGE),
        schema=ref("ShownAgent"),
        tag="agents",
    ),
    Route(
        path="/api/agents/{id}/summary",
        handler=show_agent_summary,
        summary="One agent by version, model, tool and error, and whom it works with",
        parameters=(words.IDENTIFIER, *words.RANGE),
        schema=ref("AgentDetail"),
        tag="agents",
    ),
    Route(
        path="/api/agent-graph",
        handler=show_agent_graph,
        summary="Who calls whom",
        parameters=(*words.RANGE, words.AGENT, words.PARENT_AGENT, vocabulary.SERVICE, vocabulary.MANY),
        schema=array(ref("AgentEdge")),
        tag="agents",
    ),
    Route(
        path="/api/sessions",
        handler=list_sessions,
        summary="Sessions, the one active last first, or the dearest first",
        description="A trace that names no session is one by itself, `inferred`. Sums are of whole sessions with activity in the "
        "range. With order=cost there is one page.",
        parameters=(
            *words.RANGE,
            words.AGENT,
            words.USER,
            replace(words.STATUS, description="`error`: with a failure; `ok`: without."),
            words.MIN_COST,
            Parameter("order", kinds.choice(("newest", "cost")), "What comes first.", example="cost", default="newest"),
            *vocabulary.PAGE,
        ),
        schema=array(ref("Session")),
        tag="agents",
        paged=True,
    ),
    Route(
        path="/api/sessions/{id}",
        handler=show_session,
        summary="One session from beginning to end, with content",
        parameters=(words.IDENTIFIER, replace(vocabulary.LIMIT, default="200"), vocabulary.CURSOR),
        schema=ref("SessionDetail"),
        tag="agents",
        paged=True,
    ),
    _facts("/api/llm-calls", list_llm_calls, "Model calls", "Each once, whatever told of it; of nested ones the innermost."),
    _one("/api/llm-calls/{id}", show_llm_call, "One model call: prompt, answer, parameters, usage, cost"),
    _facts("/api/tool-calls", list_tool_calls, "Tool calls"),
    _one("/api/tool-calls/{id}", show_tool_call, "One tool call: arguments, result, error"),
    _facts("/api/agent-runs", list_agent_runs, "Runs of agents, with what each did in all"),
    _facts("/api/user-turns", list_user_turns, "Turns of users"),
    _facts("/api/agent-events", list_agent_events, "Other events of agents: compactions, evaluations, guardrails, routing"),
    _facts("/api/agent-steps", list_agent_steps, "Steps of agents: retrievals, chains, guardrails, memory"),
    Route(
        path="/api/traces/{trace_id}/agents",
        handler=show_trace_facts,
        summary="What agents did in one trace, added up, and where the time went",
        parameters=(
            replace(vocabulary.TRACE_ID, description="The trace.", required=True),
            Parameter("limit", kinds.count(1, 10_000), "At most this many facts.", example="1000", default="1000"),
        ),
        schema=ref("FactTree"),
        tag="agents",
    ),
    Route(
        path="/api/errors",
        handler=list_errors,
        summary="What failed, by type and place, with the newest example",
        parameters=(
            *words.RANGE, words.AGENT, vocabulary.SERVICE, words.PROVIDER, words.MODEL, words.TOOL, words.MCP_SERVER,
            words.ERROR_TYPE, vocabulary.LIMIT,
        ),
        schema=array(ref("ErrorGroup")),
        tag="agents",
    ),
    Route(
        path="/api/models",
        handler=list_models,
        summary="Models, with tokens, cost, latency and errors",
        parameters=(*words.RANGE, words.AGENT, vocabulary.SERVICE, words.PROVIDER, words.MODEL, vocabulary.MANY),
        schema=array(ref("Usage")),
        tag="agents",
    ),
    Route(
        path="/api/tools",
        handler=list_tools,
        summary="Tools, with how often they are used, how long they take and how often they fail",
        parameters=(*words.RANGE, words.AGENT, vocabulary.SERVICE, words.TOOL, words.MCP_SERVER, vocabulary.MANY),
        schema=array(ref("Usage")),
        tag="agents",
    ),
    Route(
        path="/api/users",
        handler=list_users,
        summary="Users, the dearest first",
        parameters=(*words.RANGE, vocabulary.LIMIT),
        schema=array(ref("User")),
        tag="agents",
    ),
    Route(
        path="/api/usage",
        handler=list_usage,
        summary="Sums by whatever is asked, over time",
        description=f"`interval` is whole hours. Sums are kept by some names together, which a refusal lists. {_RANGE_TOLD}",
        parameters=(
            words.GROUP_BY,
            replace(vocabulary.INTERVAL, example="1d"),
            *words.RANGE,
            *words.FILTERS,
            Parameter(
                "percentiles_of",
                kinds.choice(("llm_call", "tool_call", "agent_run", "user_turn", "step", "event")),
                "Whose durations the percentiles are of; tool calls when grouped by tool, else model calls.",
                example="tool_call",
            ),
            vocabulary.MANY,
        ),
        schema=array(ref("Usage")),
        tag="agents",
    ),
    Route(
        path="/api/compare",
        handler=compare,
        summary="Two windows, versions or models side by side",
        description="The baseline is the window before, of the same length, unless another is named.",
        parameters=(
            replace(vocabulary.START, default="-24h"),
            replace(vocabulary.END, default="now"),
            replace(vocabulary.START, name="baseline_start", example="-48h"),
            replace(vocabulary.END, name="baseline_end", example="-24h"),
            Parameter("baseline_version", kinds.TEXT, "Compare to this version of the agent.", example="2.0"),
            Parameter("baseline_model", kinds.TEXT, "Compare to this model.", example="gpt-4o-mini"),
            *(one for one in words.FILTERS if one.name != "user"),
        ),
        schema=ref("Comparison"),
        tag="agents",
    ),
    Route(
        path="/api/search",
        handler=search,
        summary="Where something was said: prompts, answers, arguments, results",
        parameters=(
            Parameter(
                "q", kinds.TEXT, 'Words and "quoted phrases", all of which the text holds.', example="refund", required=True
            ),
            *words.RANGE,
            words.AGENT,
            words.USER,
            words.SESSION,
            words.MODEL,
            words.TOOL,
            vocabulary.SERVICE,
            replace(vocabulary.LIMIT, kind=kinds.count(1, 200)),
        ),
        schema=array(ref("SearchHit")),
        tag="agents",
    ),
    Route(
        path="/api/active",
        handler=list_active,
        summary="What is running now, then sessions that were active lately",
        parameters=(replace(vocabulary.START, default="-1h"), vocabulary.LIMIT),
        schema=array(ref("ActiveRun")),
        tag="agents",
    ),
    Route(
        path="/api/loops",
        handler=list_loops,
        summary="Tools called with the same arguments again and again",
        parameters=(
            replace(vocabulary.START, default="-24h"),
            vocabulary.END,
            words.AGENT,
            words.SESSION,
            words.TOOL,
            Parameter("at_least", kinds.count(2, 1000), "So many times.", example="5", default="3"),
            vocabulary.LIMIT,
        ),
        schema=array(ref("Loop")),
        tag="agents",
    ),
    Route(
        path="/api/productivity",
        handler=list_metric_usage,
        summary="What clients' metrics count: lines, commits, active time, decisions, tokens, cost",
        description="Tokens and cost here are the metrics' own and are never added to those of /api/usage.",
        parameters=(
            *words.RANGE,
            Parameter(
                "group_by",
                kinds.several(kinds.TEXT),
                "agent, session, user, provider, model, tool, service, or an attribute of the metric.",
                example="user",
            ),
            words.AGENT,
            words.USER,
            words.SESSION,
            words.MODEL,
            vocabulary.SERVICE,
        ),
        schema=array(ref("MetricUsage")),
        tag="agents",
    ),
    Route(
        path="/api/completeness",
        handler=show_completeness,
        summary="What the answers about agents leave out",
        parameters=words.RANGE,
        schema=ref("Completeness"),
        tag="agents",
    ),
)  # fmt: skip
