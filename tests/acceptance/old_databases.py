"""Old databases as their programs left them, with the columns of one of their schemas, made for a test."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FLAT = """
create table agents (id integer primary key, agent_id text unique, last_seen text, first_seen text, llm_provider text);
create table events (id integer primary key, timestamp text, level text, agent_id text, event_type text, channel text,
  direction text, session_id text, relationship_id text, data json, duration_ms real, caller_file text, caller_line integer,
  caller_function text);
create table sessions (id integer primary key, session_id text unique, agent_id text, start_time text, end_time text,
  total_events integer);
"""
_NAMED = """
create table agents (id integer primary key, agent_id text unique, first_seen text, last_seen text);
create table events (id integer primary key, schema_version text, timestamp text, trace_id text, span_id text,
  parent_span_id text, name text, level text, agent_id integer, session_id integer, event_type text, raw_data json);
"""
_METRICS = """
create table devices (id integer primary key, name text unique, device_type text, created_at text);
create table metric_info (id integer primary key, name text unique, description text, unit text, created_at text);
create table metric_values (id integer primary key, device_id integer, metric_info_id integer, metric_value float,
  timestamp text);
"""
_RUNS = """
create table agent_runs (id integer primary key, run_id text not null, created_at text, start_time text not null,
  end_time text, agent_name text not null, job_type text, status text, items_discovered integer, duration_ms integer,
  error_summary text, metrics_json text, api_posted integer, parent_run_id text);
create table schema_migrations (version integer, applied_at text, description text);
insert into schema_migrations values (5, '2025-12-01', 'v5');
"""


def flat_events(path: Path, rows: int) -> Path:
    """Every second event finishes what the one before it started."""
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(_FLAT)
        file.executemany(
            "insert into events (timestamp, level, agent_id, event_type, channel, session_id, data, duration_ms, caller_file)"
            " values (?, 'INFO', 'weather', ?, 'LLM', ?, ?, ?, 'app.py')",
            [
                (
                    _time(row),
                    "LLM_call_finish" if row % 2 else "LLM_call_start",
                    f"session-{row // 20}",
                    json.dumps({"model": "gpt-4o", "LLM_provider": "openai", "usage": {"prompt_tokens": 7}} if row % 2 else {}),
                    12.5 if row % 2 else None,
                )
                for row in range(rows)
            ],
        )
    return path


def named_events(path: Path) -> Path:
    """One event kept whole, one of which only columns are left, one without a trace, and one that cannot be read."""
    whole = {
        "schema_version": "1.0", "timestamp": "2025-04-01T10:00:00", "trace_id": "a" * 32, "span_id": "b" * 16,
        "name": "llm.call.start", "level": "INFO", "agent_id": "planner", "attributes": {"llm.model": "claude"},
    }  # fmt: skip
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(_NAMED)
        file.execute("insert into agents (id, agent_id) values (7, 'planner')")
        file.executemany(
            "insert into events (schema_version, timestamp, trace_id, name, level, agent_id, event_type, raw_data)"
            " values ('1.0', ?, ?, ?, 'INFO', 7, 'llm', ?)",
            [
                ("2025-04-01 10:00:00", "a" * 32, "llm.call.start", json.dumps(whole)),
                ("2025-04-01 10:00:01.5", "a" * 32, "llm.call.finish", None),
                ("2025-04-01 10:00:02", None, "monitoring.start", None),
                ("yesterday", None, "monitoring.stop", None),
            ],
        )
    return path


def samples(path: Path, rows: int) -> Path:
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(_METRICS)
        file.execute("insert into devices (name, device_type) values ('Device 1', 'pc')")
        file.executemany("insert into metric_info (name, unit) values (?, 'units')", [("cpu_usage",), ("temperature",)])
        file.executemany(
            "insert into metric_values (device_id, metric_info_id, metric_value, timestamp) values (1, ?, ?, ?)",
            [(1 + row % 2, row % 100 + 0.5, _time(row)) for row in range(rows)],
        )
    return path


def runs(path: Path, rows: int) -> Path:
    """Schema 5: no event ids, and `failed` where later schemas say `failure`."""
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(_RUNS)
        file.executemany(
            "insert into agent_runs (run_id, created_at, start_time, end_time, agent_name, job_type, status, duration_ms,"
            " error_summary, metrics_json, api_posted) values (?, ?, ?, ?, 'translator', 'translate', ?, ?, ?, ?, 1)",
            [
                (
                    *(f"run-{row}", _time(row), _time(row), _time(row + 5)),
                    "failed" if row % 4 == 3 else "success",
                    5000,
                    "no network" if row % 4 == 3 else None,
                    json.dumps({"pages": row}),
                )
                for row in range(rows)
            ],
        )
    return path


def _time(second: int) -> str:
    return f"2025-03-{1 + second // 86_400:02} {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.250000"
