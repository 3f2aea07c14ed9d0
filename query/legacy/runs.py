"""Readers of the runs of batch jobs: one object per `event_id`, made of all documents that were stored of it.

The first document creates the run. A later one that a client posted counts only when it moves a running run to an end; an
update (stored by PATCH with the fields that it changed) always counts.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from query.legacy.endpoint import DAY, Ask, Endpoint, Refusal
from query.legacy.events import Event, Wanted, every
from query.legacy.times import iso, parse_time
from storage.contract import AttributeFilter, LogCountQuery, LogQuery, TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.contract import Store

SCOPE = ("seed.local_telemetry",)
RUN = "telemetry.run"
STATUSES = ("running", "success", "failure", "partial", "timeout", "cancelled")
ALIASES = {"failed": "failure", "completed": "success", "succeeded": "success", "canceled": "cancelled"}
_UPDATED = "telemetry.updated_fields"
_COLUMNS = (
    "event_id", "run_id", "created_at", "start_time", "end_time", "agent_name", "job_type", "status", "product",
    "product_family", "platform", "subdomain", "website", "website_section", "item_name", "items_discovered", "items_succeeded",
    "items_failed", "items_skipped", "duration_ms", "input_summary", "output_summary", "source_ref", "target_ref",
    "error_summary", "error_details", "git_repo", "git_branch", "git_commit_hash", "git_run_tag", "host", "environment",
    "trigger_type", "metrics_json", "context_json", "api_posted", "api_posted_at", "api_retry_count", "insight_id",
    "parent_run_id", "git_commit_source", "git_commit_author", "git_commit_timestamp",
)  # fmt: skip
_NUMBERS = frozenset({"items_discovered", "items_succeeded", "items_failed", "items_skipped", "duration_ms", "api_retry_count"})
_REPOSITORY = re.compile(r"(?:git@|ssh://git@)(?P<host>[^:/]+)[:/](?P<path>.+)")
_COMMIT_PATHS = {"github.com": "commit", "gitlab.com": "-/commit", "bitbucket.org": "commits"}


def known_status(status: Any) -> str:
    return ALIASES.get(status, status) if isinstance(status, str) and status else "running"


def state_of(documents: Iterable[Event]) -> dict[str, Any]:
    """The run as its documents, oldest first, leave it; never empty of what the first one said."""
    state: dict[str, Any] = {}
    for event in documents:
        document = event.document
        ends = known_status(state.get("status")) == "running" and known_status(document.get("status")) != "running"
        if not state or _UPDATED in event.attributes:
            created = state.get("created_at") or document.get("created_at") or iso(event.record.observed_time_unix_nano)
            state = {**state, **document, "created_at": created}
        elif ends:
            state |= {key: value for key, value in document.items() if value is not None and key != "created_at"}
    return state


def shown(state: dict[str, Any]) -> dict[str, Any]:
    """All columns, with defaults where a client left them out."""
    row = {name: _column(name, state.get(name)) for name in _COLUMNS}
    return {**row, "status": known_status(row["status"]), "commit_url": commit_url(row), "repo_url": repository_url(row)}


def _column(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        return value or 0
    if name == "api_posted":
        return bool(value)
    if name in {"metrics_json", "context_json"} and isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


async def current_run(store: Store, event_id: str) -> dict[str, Any] | None:
    """The state of one run, or None where there is none."""
    query = LogQuery(event=RUN, scopes=SCOPE, attributes=(AttributeFilter("telemetry.event_id", event_id),), limit=10_000)
    events = [Event(record) for record in (await store.find_logs(query)).items]
    documents = [event for event in events if event.document.get("event_id") == event_id]
    return state_of(sorted(documents, key=lambda event: event.id)) if documents else None


async def run_figures(store: Store, now: int, engine: Mapping[str, str]) -> dict[str, Any]:
    """What GET /metrics tells of runs."""
    query = LogCountQuery(event=RUN, scopes=SCOPE, group_by=("telemetry.event_id", "service"), limit=10_000_000)
    found = await store.log_counts(query)
    agents = Counter(count.group[1] or "unknown" for count in found)
    return {
        "total_runs": agents.total(),
        "agents": dict(agents.most_common()),
        "recent_24h": sum(count.first_time > now - DAY for count in found),
        "performance": {name: engine[name] for name in ("db_path", "journal_mode") if name in engine},
    }


async def _runs(ask: Ask) -> list[dict[str, Any]]:
    """Newest created first."""
    groups: dict[str, list[Event]] = {}
    for event in await every(ask.store, Wanted(TimeRange(), event=RUN, scopes=SCOPE)):
        groups.setdefault(str(event.document.get("event_id")), []).append(event)
    ordered = [sorted(group, key=lambda event: event.id) for group in groups.values()]
    ordered.sort(key=lambda group: (group[0].time, group[0].id), reverse=True)
    return [state_of(group) for group in ordered]


async def list_runs(ask: Ask) -> Any:
    status = ask.text("status")
    if status is not None and known_status(status) not in STATUSES:
        raise Refusal(400, f"Invalid status: {status[:100]}. Must be one of: {', '.join(STATUSES)}")
    limit, offset = ask.integer("limit", 100, 1, 1000), ask.integer("offset", 0)
    before, after = ask.time("created_before"), ask.time("created_after")
    first, last = ask.time("start_time_from"), ask.time("start_time_to")

    def fits(run: dict[str, Any]) -> bool:
        names = all(ask.text(name) in {None, run.get(name)} for name in ("agent_name", "job_type"))
        if not names or (status is not None and known_status(run.get("status")) != known_status(status)):
            return False
        created, start = _time(run.get("created_at")), _time(run.get("start_time"))
        return (
            (before is None or (created is not None and created < before))
            and (after is None or (created is not None and created > after))
            and (first is None or (start is not None and start >= first))
            and (last is None or (start is not None and start <= last))
        )

    found = [run for run in await _runs(ask) if fits(run)]
    return [shown(run) for run in found[offset : offset + limit]]


def _time(text: Any) -> int | None:
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None


async def _run(ask: Ask) -> dict[str, Any]:
    event_id = ask.path("event_id")
    run = await current_run(ask.store, event_id)
    if run is None:
        raise Refusal(404, f"Run not found: {event_id}")
    return run


async def show_run(ask: Ask) -> Any:
    return shown(await _run(ask))


async def show_commit_url(ask: Ask) -> Any:
    return {"commit_url": commit_url(await _run(ask))}


async def show_repository_url(ask: Ask) -> Any:
    return {"repo_url": repository_url(await _run(ask))}


def repository_url(run: dict[str, Any]) -> str | None:
    """The page of a repository at one of the hosts whose addresses are known."""
    repository = run.get("git_repo")
    if not isinstance(repository, str):
        return None
    match = _REPOSITORY.fullmatch(repository)
    parts = urlsplit(repository)
    host, path = (match["host"], match["path"]) if match else (parts.hostname or "", parts.path.strip("/"))
    return f"https://{host}/{path.removesuffix('.git')}" if host in _COMMIT_PATHS and path else None


def commit_url(run: dict[str, Any]) -> str | None:
    page, commit = repository_url(run), run.get("git_commit_hash")
    if page is None or not isinstance(commit, str) or not commit:
        return None
    return f"{page}/{_COMMIT_PATHS[urlsplit(page).hostname or '']}/{commit}"


async def metadata(ask: Ask) -> Any:
    runs = await _runs(ask)
    agents = sorted({str(run.get("agent_name")) for run in runs})
    jobs = sorted({str(run.get("job_type")) for run in runs})
    return {
        "agent_names": agents,
        "job_types": jobs,
        "counts": {"agent_names": len(agents), "job_types": len(jobs)},
        "cache_hit": False,
    }


ENDPOINTS = (
    Endpoint("/api/v1/runs", list_runs),
    Endpoint("/api/v1/runs/{event_id}", show_run),
    Endpoint("/api/v1/runs/{event_id}/commit-url", show_commit_url),
    Endpoint("/api/v1/runs/{event_id}/repo-url", show_repository_url),
    Endpoint("/api/v1/metadata", metadata),
)
