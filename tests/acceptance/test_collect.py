"""`otlpd collect` as users start it: this machine's figures and polled programs, in a file of its own, forwarded by OTLP.

Nothing is lost while the upstream is down or the collector is killed, and nothing is doubled after.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import clean_environment, run_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import StartDaemon
    from tests.running import Daemon

pytestmark = pytest.mark.timeout(180)  # some processes one after the other, each of which takes a second to start

EXPOSITION = """# HELP jobs_total Jobs done.
# TYPE jobs_total counter
jobs_total{kind="a",owner="jo@example.com"} 3
# TYPE temperature gauge
temperature 21.5
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 1
wait_seconds_bucket{le="1"} 3
wait_seconds_bucket{le="+Inf"} 4
wait_seconds_sum 5.5
wait_seconds_count 4
# TYPE size summary
size{quantile="0.5"} 10
size_sum 30
size_count 3
"""
DOCUMENT = {"room": {"temperature": 20.5, "sensors": [1, 2]}, "on": True, "name": "x"}


class _Shown(http.server.BaseHTTPRequestHandler):
    """A program that shows its figures to whoever has its key."""

    def do_GET(self) -> None:
        body = json.dumps(DOCUMENT).encode() if self.path == "/json" else EXPOSITION.encode()
        self.send_response(200 if self.headers.get("X-Key") == "k" else 403)
        self.send_header("Content-Type", "application/json" if self.path == "/json" else "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shown() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shown) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def collecting(tmp_path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A running collector that reads five times a second; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "otlpd", "collect", "--db", str(tmp_path / "collect.db"), "--interval", "0.2", *words],
        env=clean_environment(tmp_path),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


def names(daemon: Daemon) -> set[str]:
    return {metric["name"] for metric in daemon.ask("/api/metrics")}


def points_in(path: Path) -> int:
    """What the collector has stored; none before its file is there."""
    if not path.exists() or path.stat().st_size == 0:
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("select count(*) from sqlite_schema where name = 'metric_points'").fetchone()
        return int(database.execute("select count(*) from metric_points").fetchone()[0]) if tables[0] else 0


def has_points(path: Path, least: int) -> bool:
    return points_in(path) > least


def test_figures_of_this_machine(daemon: Daemon, tmp_path: Path) -> None:
    done = run_command(["collect", "--once", "--db", "c.db", "--forward", daemon.http_url, "--processes", "3"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert names(daemon) >= {
        "system.cpu.time", "system.cpu.logical.count", "system.cpu.load_average.1m", "system.memory.usage",
        "system.memory.utilization", "system.network.io", "system.process.count", "system.uptime", "process.memory.usage",
        "process.cpu.time", "process.thread.count",
    }  # fmt: skip
    [used] = daemon.ask("/api/metrics/query?name=system.memory.utilization&aggregate=last&attr.system.memory.state=used")
    assert 0 < used["points"][0]["value"] < 1
    processes = daemon.ask("/api/metrics/query?name=process.memory.usage&aggregate=last&group_by=process.pid")
    assert len(processes) == 3
    with contextlib.closing(sqlite3.connect(tmp_path / "c.db")) as database:
        assert database.execute("select sum(lost), sum(rejected) from export_positions").fetchone() == (0, 0)


def test_polled_programs(daemon: Daemon, shown: str, tmp_path: Path) -> None:
    """Counters, gauges, histograms, summaries and JSON keep their figures; a program that fails is told of."""
    done = run_command(
        [
            *("collect", "--once", "--no-host", "--db", "c.db", "--forward", daemon.grpc_url.replace("http://", "grpc://")),
            *("--poll", f"prometheus={shown}/metrics", "--poll", f"json={shown}/json", "--poll-headers", "X-Key=k"),
        ],
        tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kinds = {metric["name"]: metric["type"] for metric in daemon.ask("/api/metrics")}
    assert kinds == {
        "jobs_total": "sum", "temperature": "gauge", "wait_seconds": "histogram", "size": "summary", "up": "gauge",
        "scrape_duration_seconds": "gauge", "room.temperature": "gauge", "room.sensors.0": "gauge", "room.sensors.1": "gauge",
        "on": "gauge",
    }  # fmt: skip

    def last(name: str, aggregate: str = "last") -> Any:
        [series] = daemon.ask(f"/api/metrics/query?name={name}&aggregate={aggregate}")
        return series["points"][0]["value"]

    assert (last("jobs_total"), last("temperature"), last("room.temperature"), last("on")) == (3, 21.5, 20.5, 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "c.db")) as database:
        rows = database.execute(
            "select count, sum, data from metric_points join metric_streams on id = stream_id where name = 'wait_seconds'"
        ).fetchall()
    [(count, total, data)] = rows
    assert (count, total, json.loads(data)) == (4, 5.5, {"bounds": [0.1, 1.0], "counts": [1, 2, 1]})


@pytest.mark.parametrize(("words", "owner"), [((), "jo@example.com"), (("--content-masks",), "[e-mail]")])
def test_masks_are_over_what_is_collected(daemon: Daemon, shown: str, tmp_path: Path, words: tuple[str, ...], owner: str) -> None:
    polled = ("--poll", f"prometheus={shown}/metrics", "--poll-headers", "X-Key=k")
    done = run_command(
        ["collect", "--once", "--no-host", "--db", "c.db", "--forward", daemon.http_url, *polled, *words], tmp_path
    )
    assert done.returncode == 0, done.stderr

    [series] = daemon.ask("/api/metrics/query?name=jobs_total&aggregate=last&group_by=owner")
    assert owner in str(series)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("c.db*"))
    assert (b"jo@example.com" in kept) == (not words)


def test_program_that_cannot_be_read(daemon: Daemon, shown: str, tmp_path: Path) -> None:
    words = ["collect", "--once", "--no-host", "--db", "c.db", "--forward", daemon.http_url, "--poll", f"json={shown}/json"]
    done = run_command(words, tmp_path)
    assert done.returncode == 0
    assert "HTTP 403" in done.stderr
    [up] = daemon.ask("/api/metrics/query?name=up&aggregate=last")
    assert up["points"][0]["value"] == 0


def test_upstream_down_and_collector_killed(start_daemon: StartDaemon, tmp_path: Path, unused_tcp_port: int) -> None:
    """Killed twice while nobody takes its figures; then all of them arrive, and each once."""
    path = tmp_path / "collect.db"
    words = ("--forward", f"http://127.0.0.1:{unused_tcp_port}", "--processes", "0")
    for least in (100, 400):
        with collecting(tmp_path, *words) as process:
            wait_for(partial(has_points, path, least))
            process.kill()
            process.wait()
    before = points_in(path)
    upstream = start_daemon("--http-port", str(unused_tcp_port), database=tmp_path / "upstream.db")
    with collecting(tmp_path, *words) as process:
        wait_for(lambda: upstream.ask("/api/stats")["metric_points"] >= before)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    done = run_command(
        ["collect", "--once", "--no-host", "--poll", "json=http://127.0.0.1:9/", "--db", "collect.db", *words[:2]], tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert upstream.ask("/api/stats")["metric_points"] == points_in(path)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--interval", "x"], "--interval"),
        (["--poll", "ftp=x"], "--poll"),
        (["--forward", "localhost:4317"], "forward"),
        (["--no-host"], "--no-host"),
    ],
)
def test_wrong_words_are_named(tmp_path: Path, words: list[str], named: str) -> None:
    done = run_command(["collect", "--once", *words], tmp_path)
    assert done.returncode == 2
    assert named in done.stderr
