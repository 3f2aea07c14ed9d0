"""Proves what a person does with the database from outside: back up, restore, check, migrate, import, export."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from otlpd.exit_codes import ExitCode
from tests.acceptance import old_databases
from tests.running import Daemon, request, run_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartDaemon


def send_log(daemon: Daemon, text: str) -> None:
    record = {"body": {"stringValue": text}, "timeUnixNano": "1760000000000000000"}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    answer = request("POST", f"{daemon.http_url}/v1/logs", body, {"Content-Type": "application/json"})
    assert answer.status == 200


def bodies(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as file:
        return {row[0] for row in file.execute("select body from logs")}


def command(home: Path, *words: object) -> str:
    done = run_command([str(word) for word in words], home)
    assert done.returncode == ExitCode.OK, done.stderr
    return done.stdout


@contextlib.contextmanager
def steady_writes(daemon: Daemon) -> Iterator[list[str]]:
    """Log records one after the other until the block ends; those acknowledged so far."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            send_log(daemon, f"during {len(acknowledged)}")
            acknowledged.append(f"during {len(acknowledged)}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        thread.join()


def test_a_backup_of_a_busy_daemon_has_all_that_was_acknowledged_before(daemon: Daemon, tmp_path: Path) -> None:
    """Online, one file, whole; and the daemon took more meanwhile, so the copy did not hold it up."""
    with steady_writes(daemon) as acknowledged:
        while len(acknowledged) < 5:
            pass
        before = list(acknowledged)
        copy = command(tmp_path, "backup", "--db", daemon.database, "--to", tmp_path / "copies").strip()
        after = len(acknowledged)
    assert set(before) <= bodies(tmp_path / "copies" / copy)
    assert after > len(before)
    with contextlib.closing(sqlite3.connect(copy)) as file:
        assert file.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert file.execute("pragma journal_mode").fetchone() == ("delete",)
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [copy.rpartition("/")[2]]


def test_the_oldest_backups_go_and_nothing_else(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    names = [f"otlpd-2026010{day}T000000Z.db" for day in range(1, 5)]
    for name in [*names, "otlpd-notes.db", "other-20260101T000000Z.db"]:
        (folder / name).write_bytes(b"")
    command(tmp_path, "backup", "--db", daemon.database, "--to", folder, "--keep", 2)
    left = sorted(path.name for path in folder.iterdir())
    assert [name for name in names if name in left] == names[-1:]
    assert {"otlpd-notes.db", "other-20260101T000000Z.db"} < set(left)
    assert len(left) == 4


def test_a_restore_brings_back_the_day_of_the_backup_and_keeps_what_was_there(start_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = start_daemon()
    send_log(daemon, "first")
    copy = command(tmp_path, "backup", "--db", daemon.database).strip()
    send_log(daemon, "second")
    refused = run_command(["restore", copy, "--db", str(daemon.database)], tmp_path)
    assert refused.returncode == ExitCode.DATABASE
    assert f"pid {daemon.pid}" in refused.stderr
    daemon.kill()
    command(tmp_path, "restore", copy, "--db", daemon.database)
    (kept,) = tmp_path.glob("otlpd.db.before-restore-*Z")
    assert (bodies(daemon.database), bodies(kept)) == ({"first"}, {"first", "second"})
    again = start_daemon()
    assert [log["body"] for log in again.ask("/api/logs")] == ["first"]


@pytest.mark.parametrize("spoiled", ["cut", "other", "flipped"])
def test_a_damaged_backup_is_refused_and_nothing_changes(start_daemon: StartDaemon, tmp_path: Path, spoiled: str) -> None:
    daemon = start_daemon()
    for number in range(50):
        send_log(daemon, f"record {number} " + "x" * 400)
    copy = tmp_path / command(tmp_path, "backup", "--db", daemon.database).strip()
    daemon.stop()
    if spoiled == "other":
        copy.write_bytes(b"not a database at all" * 1000)
    elif spoiled == "cut":
        copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    else:
        data = bytearray(copy.read_bytes())
        place = data.find(b"record 7 ") // 8192 * 8192
        data[place : place + 8] = b"\xff" * 8
        copy.write_bytes(data)
    before = daemon.database.read_bytes()
    refused = run_command(["restore", str(copy), "--db", str(daemon.database)], tmp_path)
    assert refused.returncode == ExitCode.FAILED
    assert "nothing was restored" in refused.stderr
    assert daemon.database.read_bytes() == before
    assert list(tmp_path.glob("*.restoring*")) == list(tmp_path.glob("*before-restore*")) == []


def test_check_full_finds_what_is_wrong(start_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = start_daemon()
    send_log(daemon, "x" * 10_000)
    good = command(tmp_path, "check", "--full", "--db", daemon.database)
    assert {line.split()[1] for line in good.splitlines()} == {"settings", "file", "schema", "integrity", "disk"}
    daemon.stop()
    assert run_command(["check", "--db", str(daemon.database)], tmp_path).returncode == ExitCode.FAILED
    data = bytearray(daemon.database.read_bytes())
    place = data.find(b"x" * 1000) // 8192 * 8192
    data[place : place + 100] = b"\xff" * 100
    daemon.database.write_bytes(data)
    bad = run_command(["check", "--full", "--db", str(daemon.database), "--grpc-port", "99999"], tmp_path)
    assert bad.returncode == ExitCode.FAILED
    assert [line.split()[1] for line in bad.stdout.splitlines() if line.startswith("BAD")] == ["settings", "integrity"]


def test_migrate_says_what_it_would_do_and_does_it_once(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    foretold = command(tmp_path, "migrate", "--dry-run", "--db", database)
    assert foretold.startswith("0001_first")
    assert not database.exists()
    assert command(tmp_path, "migrate", "--db", database) == foretold
    assert command(tmp_path, "migrate", "--db", database) == ""


def taken_over(home: Path, kind: str, old: Path, *words: str) -> str:
    """The last line for people, which has the figures."""
    done = run_command(["import", kind, str(old), "--db", str(home / "otlpd.db"), *words], home)
    assert done.returncode == ExitCode.OK, done.stderr
    return done.stderr.strip().splitlines()[-1]


def rows_of(database: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(database)) as file:
        return file.execute(query).fetchall()


def test_old_flat_events_become_calls_and_come_once(start_daemon: StartDaemon, tmp_path: Path) -> None:
    old = old_databases.flat_events(tmp_path / "cylestio.db", 1200)
    untouched = old.read_bytes()
    assert "1,200 of 1,200 records" in taken_over(tmp_path, "cylestio", old, "--dry-run")
    assert not (tmp_path / "otlpd.db").exists()
    assert "1,200 of 1,200 records" in taken_over(tmp_path, "cylestio", old)
    database = tmp_path / "otlpd.db"
    assert rows_of(database, "select count(*) from logs") == [(1200,)]
    daemon = start_daemon()
    while daemon.ask("/api/stats")["counters"]["facts_owed"]:
        time.sleep(0.05)
    daemon.stop()
    assert rows_of(database, "select count(*), sum(input_tokens) from llm_calls") == [(600, 4200)]
    assert ": 0 rows stored" in taken_over(tmp_path, "cylestio", old)
    assert rows_of(database, "select count(*) from logs") == [(1200,)]
    assert len(list((tmp_path / "backups").iterdir())) == 1
    assert old.read_bytes() == untouched


def test_old_named_events_are_read_from_what_is_there(tmp_path: Path) -> None:
    """Kept whole or in columns; the one that is no event is told, and costs only itself."""
    old = old_databases.named_events(tmp_path / "server.db")
    done = run_command(["import", "cylestio", str(old), "--db", str(tmp_path / "otlpd.db")], tmp_path)
    assert done.returncode == ExitCode.FAILED
    assert "left out: row 4: timestamp" in done.stderr
    query = "select event_name, attributes ->> '$.\"gen_ai.agent.id\"', trace_id from logs order by time"
    assert rows_of(tmp_path / "otlpd.db", query) == [
        ("llm.call.start", "planner", "a" * 32),
        ("llm.call.finish", "planner", "a" * 32),
        ("monitoring.start", "planner", None),
    ]


def test_old_samples_are_asked_for_as_metrics(start_daemon: StartDaemon, tmp_path: Path) -> None:
    old = old_databases.samples(tmp_path / "metrics.db", 600)
    warned = taken_over(tmp_path, "metrics", old)
    assert warned.startswith("NOTE: some points are older than max_age_days")
    daemon = start_daemon("--max-age-days", "none")
    (series,) = daemon.ask("/api/metrics/query?name=system.cpu.utilization&aggregate=max&start=2025-03-01&end=2025-03-02")
    assert series["points"][0]["value"] == pytest.approx(0.985)
    assert rows_of(tmp_path / "otlpd.db", "select count(*) from logs where event_name = 'device_metrics.sample'") == [(600,)]


def test_old_runs_get_event_ids_and_the_known_report(start_daemon: StartDaemon, tmp_path: Path) -> None:
    old = old_databases.runs(tmp_path / "telemetry.sqlite", 2500)
    preview = run_command(["import", "runs", str(old), "--dry-run", "--db", str(tmp_path / "otlpd.db")], tmp_path).stdout
    for line in ("Dry run: True", "Current schema version: 5", "Total rows to migrate: 2500", f"Database: {old}"):
        assert line in preview.splitlines()
    assert "DATABASE MIGRATION: Schema v5 → v6" in preview
    assert [line[:5] for line in preview.partition("[DRY RUN]")[2].splitlines()[1:]] == [f"  {n}. " for n in range(1, 6)]
    report = run_command(["import", "runs", str(old), "--db", str(tmp_path / "otlpd.db")], tmp_path).stdout.splitlines()
    steps = [line.split(":")[0] for line in report if line.startswith("Step")]
    assert steps == ["Step 1", "Step 2", "Step 3", "Step 4"]
    assert [line for line in report if "Progress" in line] == ["  Progress: 1000/2500 rows", "  Progress: 2000/2500 rows"]
    assert report[-1] == "[SUCCESS] Migration completed successfully!"
    assert ": 0 rows stored" in taken_over(tmp_path, "runs", old)
    daemon = start_daemon("--max-age-days", "none")
    (run,) = [run for run in daemon.ask("/api/v1/runs?limit=1000") if run["run_id"] == "run-2499"]
    assert (run["status"], run["error_summary"], len(run["event_id"])) == ("failure", "no network", 36)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    old = old_databases.samples(tmp_path / "metrics.db", 1)
    refused = run_command(["import", "runs", str(old), "--db", str(tmp_path / "otlpd.db")], tmp_path)
    assert refused.returncode == ExitCode.USAGE
    assert "the table agent_runs is not there" in refused.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_an_export_imported_and_exported_again_is_the_same_to_the_bit(
    start_daemon: StartDaemon, tmp_path: Path, form: str
) -> None:
    """Spans, logs and points of several owners, numbers that JSON finds hard, more records than one line holds."""
    old_databases.flat_events(tmp_path / "cylestio.db", 700)
    old_databases.samples(tmp_path / "metrics.db", 1300)
    taken_over(tmp_path, "cylestio", tmp_path / "cylestio.db")
    taken_over(tmp_path, "metrics", tmp_path / "metrics.db")
    daemon = start_daemon("--max-age-days", "none")
    value = {"kvlistValue": {"values": [{"key": "$x", "value": {"bytesValue": "AAEC"}}, {"key": "e", "value": {}}]}}
    attributes = [{"key": "n", "value": {"doubleValue": "NaN"}}, {"key": "i", "value": {"intValue": "9223372036854775807"}}]
    record = {"body": value, "attributes": attributes, "timeUnixNano": "1760000000000000001"}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, record]}]}]}).encode()
    assert request("POST", f"{daemon.http_url}/v1/logs", body, {"Content-Type": "application/json"}).status == 200
    command(tmp_path, "export", tmp_path / "first.jsonl.gz", "--db", daemon.database)
    new = tmp_path / "new.db"
    if form == "jsonl":
        command(tmp_path, "import", "jsonl", tmp_path / "first.jsonl.gz", "--db", new)
    else:
        command(tmp_path, "export", tmp_path / "first", "--db", daemon.database, "--format", "parquet")
        command(tmp_path, "import", "parquet", tmp_path / "first", "--db", new)
        command(tmp_path, "export", tmp_path / "second", "--db", new, "--format", "parquet")
        assert contents(tmp_path / "second") == contents(tmp_path / "first")
        assert set(contents(tmp_path / "first")) == {"traces.parquet", "logs.parquet", "metrics.parquet"}
    command(tmp_path, "export", tmp_path / "second.jsonl.gz", "--db", new)
    assert (tmp_path / "first.jsonl.gz").read_bytes() == (tmp_path / "second.jsonl.gz").read_bytes()
    lines = command(tmp_path, "export", "-", "--db", new, "--signal", "logs").splitlines()
    assert sum(len(scope["logRecords"]) for line in lines for owner in json.loads(line)["resourceLogs"]
               for scope in owner["scopeLogs"]) == 700 + 1300 + 2  # fmt: skip


def test_parquet_is_readable_and_what_is_none_is_refused(start_daemon: StartDaemon, tmp_path: Path) -> None:
    """Times are times, numbers are numbers; NaN and what no double can hold stand beside them as they are."""
    daemon = start_daemon()
    points = [
        {"asInt": "9007199254740993", "timeUnixNano": "1760000000000000001"},
        {"asDouble": "NaN", "timeUnixNano": "1760000000000000002"},
    ]
    metrics = [{"name": "queue.length", "gauge": {"dataPoints": points}}]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
    assert request("POST", f"{daemon.http_url}/v1/metrics", body, {"Content-Type": "application/json"}).status == 200
    command(tmp_path, "export", tmp_path / "out", "--db", daemon.database, "--format", "parquet", "--signal", "metrics")
    table = parquet.read_table(tmp_path / "out" / "metrics.parquet")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["metrics.parquet"]
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    assert table.column("stream_name").to_pylist() == ["queue.length"] * 2
    assert table.column("value").to_pylist()[0] == pytest.approx(9007199254740992)
    assert table.column("value_exact").to_pylist() == ["9007199254740993", '"NaN"']
    parquet.write_table(table.replace_schema_metadata(None), tmp_path / "foreign.parquet")
    (tmp_path / "text.parquet").write_bytes(b"PAR1 no")
    for name, why in (("foreign.parquet", "does not say of which signal"), ("text.parquet", "is no Parquet file")):
        refused = run_command(["import", "parquet", str(tmp_path / name), "--db", str(tmp_path / "new.db")], tmp_path)
        assert refused.returncode == ExitCode.USAGE
        assert why in refused.stderr


def test_lines_that_are_no_otlp_are_told_by_number(tmp_path: Path) -> None:
    lines = ['{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "kept"}}]}]}]}', "", '{"a": 1}', "{"]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines))
    done = run_command(["import", "jsonl", str(tmp_path / "mixed.jsonl"), "--db", str(tmp_path / "otlpd.db")], tmp_path)
    assert done.returncode == ExitCode.FAILED
    assert [line.split(":")[1] for line in done.stderr.splitlines() if line.startswith("left out")] == [" line 3", " line 4"]
    assert bodies(tmp_path / "otlpd.db") == {"kept"}
