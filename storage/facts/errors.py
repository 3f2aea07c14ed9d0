"""Whether something failed, and as what: one vocabulary for spans, log records and every client.

Failed is what has span status ERROR, an error type, `success` false, a tool status of error or failed, level ERROR, or an
exception on a root span without a status. People ask for rate limits by name, so HTTP 429 and 529 and whatever says
"overloaded" is `rate_limited`; the number stays in `status_code`.
"""

from __future__ import annotations

from typing import Any, Final

from storage.facts import coerce
from storage.facts.shapes import SLOT

RATE_LIMITED: Final = "rate_limited"
OTHER: Final = "_OTHER"
_RATE_LIMIT_CODES: Final = frozenset((429, 529))
_RATE_LIMIT_WORDS: Final = ("overloaded", "rate_limit", "ratelimit", "rate limit", "too many requests", "toomanyrequests")
_FAILED_TOOL: Final = frozenset(("error", "failed", "failure"))
_NO_ERROR: Final = frozenset(("", "none", "null", "false", "ok", "success"))

_FAILED: Final = SLOT["failed"]
_TYPE: Final = SLOT["error_type"]
_MESSAGE: Final = SLOT["error_message"]
_CODE: Final = SLOT["status_code"]
_SUCCESS: Final = SLOT["success"]
_TOOL_STATUS: Final = SLOT["tool_status"]
_LEVEL: Final = SLOT["level"]


def judge(slots: list[Any], failed: bool, status_message: str | None, exception: tuple[str | None, str | None] | None) -> None:
    """Works the verdict into the columns. `failed`: the span's status or the event's name says so."""
    error_type = slots[_TYPE]
    if error_type is not None and error_type.lower() in _NO_ERROR:
        error_type = None
    level, tool_status = slots[_LEVEL], slots[_TOOL_STATUS]
    if not (
        failed
        or error_type is not None
        or slots[_SUCCESS] is False
        or (level is not None and level.upper() == "ERROR")
        or (tool_status is not None and tool_status.lower() in _FAILED_TOOL)
        or exception is not None
    ):
        slots[_TYPE] = slots[_MESSAGE] = None
        return
    exception_type, exception_message = exception or (None, None)
    code = slots[_CODE]
    found = error_type or exception_type or (str(code) if code is not None and code >= 400 else None)
    slots[_FAILED] = 1
    slots[_MESSAGE] = slots[_MESSAGE] or exception_message or coerce.message(status_message)
    limited = code in _RATE_LIMIT_CODES or is_rate_limit(found) or is_rate_limit(slots[_MESSAGE])
    slots[_TYPE] = RATE_LIMITED if limited else found or OTHER


def is_rate_limit(said: str | None) -> bool:
    if said is None:
        return False
    lowered = said[:300].lower()
    return lowered in {"429", "529"} or any(word in lowered for word in _RATE_LIMIT_WORDS)


def exception_of(events: list[Any]) -> tuple[str | None, str | None] | None:
    """(type, message) of the last exception among a span's events, parsed; None without one."""
    for event in reversed(events):
        if isinstance(event, dict) and event.get("name") == "exception":
            attributes = event.get("attributes")
            entries = attributes if isinstance(attributes, dict) else {}
            return coerce.text(entries.get("exception.type")), coerce.message(entries.get("exception.message"))
    return None
