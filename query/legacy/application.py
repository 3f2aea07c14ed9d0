"""Every read endpoint of the other systems in one table, by system with its style of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query.legacy import devices, local_agents, local_events, local_metrics, mini, mini_v1, monitoring, runs
from query.legacy.endpoint import Endpoint, Style, add_routes, envelope_style, error_style, plain_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from query.question import QueryContext

SYSTEMS: tuple[tuple[Sequence[Endpoint], Style], ...] = (
    (mini.ENDPOINTS, plain_style),
    (mini_v1.ENDPOINTS, plain_style),
    (local_events.ENDPOINTS, envelope_style),
    (local_agents.ENDPOINTS, envelope_style),
    (local_metrics.ENDPOINTS, envelope_style),
    (devices.ENDPOINTS, error_style),
    (monitoring.ENDPOINTS, plain_style),
    (runs.ENDPOINTS, plain_style),
)


def add_legacy_routes(app: web.Application, context: QueryContext) -> None:
    for endpoints, style in SYSTEMS:
        add_routes(app, context, endpoints, style)
