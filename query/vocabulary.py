"""The parameters that paths share, each described once."""

from __future__ import annotations

from dataclasses import replace

from query import kinds
from query.question import Parameter

START = Parameter(
    "start",
    kinds.TIME,
    "Not before this time: RFC 3339, seconds, ms, µs or ns since 1970, `now`, or a time before now (`-15m`, `-24h`, `-7d`).",
    example="-24h",
    narrows=True,
)
END = Parameter("end", kinds.TIME, "Before this time; written like `start`.", example="now", narrows=True)
RECENT = (replace(START, default="-1h"), replace(END, default="now"))
LIMIT = Parameter("limit", kinds.count(1, 1000), "At most this many.", example="50", default="50")
MANY = Parameter("limit", kinds.count(1, 1000), "At most this many.", example="100", default="1000")
CURSOR = Parameter("cursor", kinds.CURSOR, "Where the page before ended; comes with its Link header.")
PAGE = (LIMIT, CURSOR)
SERVICE = Parameter("service", kinds.TEXT, "Only of this service.", example="shop", narrows=True)
OPERATION = Parameter("operation", kinds.TEXT, "Only spans of this name.", example="GET /cart", narrows=True)
STATUS = Parameter("status", kinds.choice(("error", "ok")), "`error`: with a failed span; `ok`: without one.", example="error")
SPAN_STATUS = Parameter(
    "status", kinds.numbered(kinds.STATUS_CODES), "Only spans of this status, by name or OTLP number.", example="error"
)
SPAN_KIND = Parameter(
    "kind", kinds.numbered(kinds.SPAN_KINDS), "Only spans of this kind, by name or OTLP number.", example="server"
)
MIN_DURATION = Parameter("min_duration_ms", kinds.MILLISECONDS, "At least this long, in milliseconds.", example="100")
MAX_DURATION = Parameter("max_duration_ms", kinds.MILLISECONDS, "At most this long, in milliseconds.", example="60000")
DURATIONS = (MIN_DURATION, MAX_DURATION)
SPAN_TEXT = Parameter(
    "q", kinds.TEXT, "Found in a span's name, status message or attributes, whatever its case.", example="timeout"
)
LOG_TEXT = Parameter(
    "q", kinds.TEXT, 'Words and "quoted phrases" that the body must hold, all of them.', example="payment declined"
)
TRACE_ID = Parameter(
    "trace_id", kinds.identifier(32), "Only of this trace.", example="5b8efff798038103d269b633813fc60c", narrows=True
)
SPAN_ID = Parameter("span_id", kinds.identifier(16), "Only of this span.", example="eee19b7ec3c1b174", narrows=True)
SEVERITY = Parameter(
    "severity", kinds.SEVERITY, "This severe or more: trace, debug, info, warn, error, fatal, or 1 to 24.", example="warn"
)
EVENT = Parameter("event", kinds.TEXT, "Only events of this name.", example="gen_ai.user.message", narrows=True)
INTERVAL = Parameter("interval", kinds.INTERVAL, "One answer for each such part of the range: `30s`, `5m`, `1h`.", example="5m")
INTERVAL_OR_MINUTE = replace(INTERVAL, description="Parts of the range: whole minutes.", default="1m")
GROUP_BY = Parameter(
    "group_by", kinds.TEXT, "`service`, `operation`, or an attribute key.", example="service", default="operation"
)
SIGNALS = Parameter("signals", kinds.several(kinds.choice(kinds.SIGNALS)), "What to send.", example="logs", default="traces,logs")
