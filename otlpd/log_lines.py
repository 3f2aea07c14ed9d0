"""How log lines look: one line for people, or one JSON object for machines. They go to standard error, always, and as JSON into
a file as well where one is named.

Figures that belong to a message go into `extra={"fields": {...}}`; both forms show them.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

FILE_BYTES, FILES = 10 * 2**20, 5
_COLOURS = {"DEBUG": "\033[2m", "WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[31m"}
_PLAIN = "\033[0m"
_NOISY = {"asyncio": logging.WARNING, "grpc": logging.WARNING, "grpc._cython": logging.CRITICAL}


class PeopleFormatter(logging.Formatter):
    """`12:03:04 warning receiver.http: message (figure 3)`, in colour on a terminal."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = ", ".join(f"{name} {value}" for name, value in _fields(record).items())
        text = f"{time} {record.levelname.lower():<7} {record.name}: {_one_line(record.getMessage())}"
        if fields:
            text = f"{text} ({_one_line(fields)})"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        colour = _COLOURS.get(record.levelname) if self._colours else None
        return f"{colour}{text}{_PLAIN}" if colour else text


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, the fields, and the traceback as `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(form: Literal["text", "json"], level: str, file: Path | None = None, stream: TextIO | None = None) -> None:
    """What the process says, and where; called again it replaces what was. Raises OSError when the file cannot be written."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else PeopleFormatter(colours=stream.isatty()))
    handlers: list[logging.Handler] = [handler]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
        kept.setFormatter(JsonFormatter())
        handlers.append(kept)
    logging.basicConfig(handlers=handlers, level=level.upper(), force=True)
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(least)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _one_line(text: str) -> str:
    """Senders' words end up in messages: a line break in them must not look like a line of ours."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
