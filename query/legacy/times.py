"""Times as the readers of other systems write and read them: ISO 8601 in, ISO 8601 in UTC out."""

from __future__ import annotations

from datetime import UTC, datetime

_SECOND = 10**9
INTERVALS = {
    "1m": 60 * _SECOND, "5m": 300 * _SECOND, "1h": 3600 * _SECOND, "1d": 86_400 * _SECOND, "7d": 7 * 86_400 * _SECOND,
    "minute": 60 * _SECOND, "hour": 3600 * _SECOND, "day": 86_400 * _SECOND, "month": 30 * 86_400 * _SECOND,
}  # fmt: skip
RANGES = {"1h": 3600 * _SECOND, "1d": 86_400 * _SECOND, "24h": 86_400 * _SECOND, "7d": 7 * 86_400 * _SECOND,
          "30d": 30 * 86_400 * _SECOND}  # fmt: skip


class TimeFormatError(ValueError):
    """The text is no ISO 8601 time between 1970 and 2262."""


def parse_time(text: str) -> int:
    """Nanoseconds since 1970; no zone means UTC. A plus sign that a query string turned into a space is read as one."""
    text = text.strip()
    if len(text) > 6 and text[-6] == " ":
        text = f"{text[:-6]}+{text[-5:]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TimeFormatError(text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    nanoseconds = (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds * 1000
    if not 0 <= nanoseconds < 2**63:
        raise TimeFormatError(text)
    return nanoseconds


def iso(nanoseconds: int | None) -> str | None:
    """RFC 3339 in UTC with microseconds; None stays None."""
    if nanoseconds is None:
        return None
    moment = datetime.fromtimestamp(nanoseconds // _SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % _SECOND // 1000:06d}Z"


def day(nanoseconds: int) -> str:
    return f"{datetime.fromtimestamp(nanoseconds // _SECOND, UTC):%Y-%m-%d}"
