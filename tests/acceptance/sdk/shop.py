"""What the API must say about the orders that a client reported (sdk/python, javascript and go hold what it reports)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.running import Daemon

Json = dict[str, Any]


def check_shop(daemon: Daemon, service: str, orders: Sequence[str], *, all_signals: bool = True) -> None:
    """Every order is there, once, in every signal, and whole."""
    named = f"service={quote(service)}"
    (listed,) = (one for one in daemon.ask("/api/services") if one["name"] == service)
    assert (listed["span_count"], listed["error_count"]) == (2 * len(orders), len(orders))
    traces = daemon.ask(f"/api/traces?{named}")
    assert [(one["root_name"], one["services"], one["span_count"], one["error_count"]) for one in traces] == [
        ("checkout", [service], 2, 1)
    ] * len(orders)
    reported = [_check_trace(daemon.ask(f"/api/traces/{one['trace_id']}"), with_logs=all_signals) for one in traces]
    assert sorted(reported) == sorted(orders)
    if all_signals:
        _check_logs(daemon.ask(f"/api/logs?{named}&limit=1000"), orders)
        _check_metrics(daemon, named, len(orders))


def _check_trace(trace: Json, *, with_logs: bool) -> str:
    """The order that the trace tells of."""
    spans = {span["name"]: span for span in trace["spans"]}
    root, charge = spans["checkout"], spans["charge card"]
    order: str = root["attributes"]["order.id"]
    assert root["attributes"] == {
        "order.id": order,
        "cart.items": 3,
        "cart.total": 59.5,
        "customer.returning": True,
        "tags": ["gift", "express"],
    }
    assert (root["kind"], root["parent_span_id"], root["status"]["code"]) == ("server", None, "unset")
    assert (charge["kind"], charge["parent_span_id"]) == ("client", root["span_id"])
    assert charge["status"] == {"code": "error", "message": "declined"}
    assert [(event["name"], event["attributes"]) for event in charge["events"]] == [("card declined", {"attempt": 1})]
    assert root["start_time"] <= charge["start_time"] <= charge["end_time"]
    assert [(log["body"], log["span_id"]) for log in trace["logs"]] == (
        [(f"card declined for order {order}", charge["span_id"])] if with_logs else []
    )
    return order


def _check_logs(logs: Sequence[Json], orders: Sequence[str]) -> None:
    texts = [*(f"card declined for order {order}" for order in orders), *(f"order {order} received" for order in orders)]
    assert Counter(log["body"] for log in logs) == Counter(texts)
    for log in logs:
        declined = log["body"].startswith("card")
        assert log["severity"] == ("error" if declined else "info")
        assert log["event_name"] == ("payment.failed" if declined else None)
        assert log["attributes"] == ({"order.id": log["body"].rsplit(maxsplit=1)[-1]} if declined else {})


def _check_metrics(daemon: Daemon, named: str, orders: int) -> None:
    """The sums are cumulative: a point that was lost is made good by the next, one counted twice would show."""

    def ask(name: str, aggregate: str, **more: str) -> list[Json]:
        words = "".join(f"&{key}={quote(text)}" for key, text in more.items())
        series = daemon.ask(f"/api/metrics/query?name={name}&aggregate={aggregate}&{named}{words}")
        return [{**one["group"], "value": one["points"][-1]["value"]} for one in series]

    assert ask("orders", "sum", group_by="region") == [{"region": "eu", "value": 2 * orders}]
    assert ask("checkout.duration", "count") == [{"value": 2 * orders}]
    assert ask("checkout.duration", "avg") == [{"value": 26.5}]
    assert ask("queue.length", "last") == [{"value": 7}]
