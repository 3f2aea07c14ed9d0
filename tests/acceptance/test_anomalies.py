"""Proves /api/anomalies from outside: a bad hour among ordinary ones is told, with the series that shows it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.running import request

if TYPE_CHECKING:
    from tests.running import Daemon

HOUR = 3600 * 10**9


def send_hours(daemon: Daemon, bad_hour: int) -> int:
    """Ten spans an hour for the last 24 whole hours; in the bad one ten times as slow and half of them failed."""
    now = time.time_ns() // HOUR * HOUR
    spans = []
    for hour in range(1, 25):
        for number in range(10):
            bad = hour == bad_hour
            start = now - hour * HOUR + number * 10**9
            lasted = (100 + number + hour % 3) * 10**6 * (10 if bad else 1)
            spans.append({
                "traceId": f"{hour:016x}{number + 1:016x}", "spanId": f"{number + 1:016x}", "name": "pay",
                "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + lasted),
                "status": {"code": 2} if bad and number % 2 else {},
            })  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()
    assert request("POST", f"{daemon.http_url}/v1/traces", body, {"Content-Type": "application/json"}).status == 200
    return now - bad_hour * HOUR


@pytest.mark.parametrize(("group_by", "group"), [("operation", "pay"), ("service", "shop")])
def test_a_bad_hour_is_told_with_its_series(daemon: Daemon, group_by: str, group: str) -> None:
    bad = send_hours(daemon, 7)
    found = {one["measure"]: one for one in daemon.ask(f"/api/anomalies?start=-25h&group_by={group_by}")}
    assert set(found) == {"latency", "error_rate"}
    for one in found.values():
        assert one["group"] == group
        assert one["time"].startswith(time.strftime("%Y-%m-%dT%H:00:00", time.gmtime(bad / 1e9)))
        assert [point["time"] for point in one["series"] if point["unusual"]] == [one["time"]]
        assert len(one["series"]) == 24
        assert (one["direction"], one["unusual_count"]) == ("above", 1)
    assert found["error_rate"]["value"] == 0.5
    assert found["latency"]["value"] == pytest.approx(1090, rel=0.03)
    assert found["latency"]["expected"] == pytest.approx(109, rel=0.03)


def test_ordinary_hours_are_no_anomaly(daemon: Daemon) -> None:
    send_hours(daemon, 99)
    assert daemon.ask("/api/anomalies?start=-25h&interval=1h") == []
    assert daemon.ask("/api/anomalies?group_by=agent") == []
    assert daemon.get("/api/anomalies?group_by=agent&interval=90m").status == 400
    assert daemon.get("/api/anomalies?threshold=0").status == 400
