"""The OpenAPI 3.1 document, generated from the table of routes that also answers the questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from query.agent_schemas import AGENT_SCHEMAS
from query.parameters import MAX_ATTRIBUTE_FILTERS, is_in_path
from query.schemas import SCHEMAS, ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from query.question import Parameter, Route

_ATTRIBUTE_FILTERS = {
    "name": "attributes",
    "in": "query",
    "description": f'`attr.<key>=<value>`, at most {MAX_ATTRIBUTE_FILTERS}: where the attribute reads so (5 fits 5 and "5").',
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "patternProperties": {"^attr\\.[^\\x00]+$": {"type": "string"}},
        "additionalProperties": False,
        "maxProperties": MAX_ATTRIBUTE_FILTERS,
    },
}
_REFUSALS = {
    400: "A parameter is unknown or cannot be read; `details.parameter` names it.",
    401: "No key, or one that is not known.",
    403: "The key lacks the scope `query`.",
    404: "There is no such thing.",
    405: "Only GET and HEAD are answered.",
    414: "The query string is too long.",
    429: "The key has used up its share; Retry-After says when to come back.",
    500: "A defect of otlpd, or a store that only a person can mend.",
    503: "Too many questions at a time, or the store is not ready; Retry-After says when to come back.",
    504: "The question did not finish in time; `details.narrow` says what makes it cheaper.",
}
_TAGS = {
    "traces": "Services, traces and spans",
    "logs": "Log records and events",
    "metrics": "Metrics and their values",
    "latency": "Latency from roll-ups",
    "agents": "Agents, sessions, model and tool calls, usage and cost",
    "live": "What arrives now",
    "status": "otlpd itself",
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    described = [route for route in routes if route.schema is not None]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "otlpd",
            "version": version,
            "description": "Questions about the traces, logs and metrics that otlpd has received. Times in answers are RFC 3339 "
            'in UTC with nanoseconds. Lists are arrays; the Link header with rel="next" leads to the next page. Whole numbers '
            "can be as large as 64 bits.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": {route.path: {"get": _operation(route)} for route in described},
        "components": {
            "schemas": SCHEMAS | AGENT_SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}, {"key": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__ if route.path != "/healthz" else "show_healthz",
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [
            *(_parameter(route, parameter) for parameter in route.parameters),
            *([_ATTRIBUTE_FILTERS] if route.attributes else []),
        ],
        "responses": {"200": _answer(route), **_refusals(route)},
    }
    if route.description:
        operation["description"] = route.description
    if route.open:
        operation["security"] = []
    return operation


def _parameter(route: Route, parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.kind.schema)
    if parameter.default is not None:
        schema["default"] = _typed(schema, parameter.default)
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "path" if is_in_path(route, parameter) else "query",
        "required": parameter.required,
        "description": _description(parameter),
        "schema": schema,
    }
    if parameter.required:  # of the others Swagger UI would put the example into every question
        described["example"] = _typed(schema, parameter.example)
    if schema["type"] == "array":
        described["explode"] = False
    return described


def _description(parameter: Parameter) -> str:
    return f"{parameter.description} For example `{parameter.example}`." if parameter.example else parameter.description


def _typed(schema: dict[str, Any], text: str) -> Any:
    """Text as it stands in a query string → the JSON value that the schema describes."""
    match schema["type"]:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "array":
            return text.split(",")
    return text


def _answer(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {route.media_type: {"schema": route.schema}}
    content |= {media_type: {"schema": {"type": "string"}} for media_type in route.text_types}
    answer: dict[str, Any] = {"description": route.summary, "content": content}
    if route.paged:
        answer["headers"] = {
            "Link": {"description": 'The next page, as rel="next"; absent on the last.', "schema": {"type": "string"}}
        }
    return answer


def _refusals(route: Route) -> dict[str, Any]:
    return {
        str(status): {
            "description": description,
            "content": {"application/json": {"schema": ref(route.statuses.get(status, "Error"))}},
        }
        for status, description in _REFUSALS.items()
    }
