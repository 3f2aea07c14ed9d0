"""Proves that a log file has every line as one JSON object beside what people see, does not grow for ever, and is told when it
cannot be written."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from otlpd import log_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _handlers_are_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    for handler in before:
        root.removeHandler(handler)  # else configuring would close what is pytest's
    yield
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


def test_people_read_lines_and_the_file_has_objects(tmp_path: Path) -> None:
    stream, file = io.StringIO(), tmp_path / "logs" / "otlpd.jsonl"
    log_lines.configure("text", "info", file, stream)
    logging.getLogger("receiver").warning("refused %s\nof many", "one", extra={"fields": {"count": 3}})
    logging.getLogger("receiver").debug("not asked for")
    assert stream.getvalue().endswith("warning receiver: refused one\\nof many (count 3)\n")
    (line,) = file.read_text().splitlines()
    assert {key: value for key, value in json.loads(line).items() if key != "time"} == {
        "level": "warning", "logger": "receiver", "message": "refused one\nof many", "count": 3,
    }  # fmt: skip


def test_the_file_is_rotated_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "FILE_BYTES", 1000)
    log_lines.configure("json", "info", tmp_path / "otlpd.jsonl", io.StringIO())
    for number in range(200):
        logging.getLogger("writer").info("commit %d", number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["otlpd.jsonl", *(f"otlpd.jsonl.{number}" for number in range(1, log_lines.FILES + 1))]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert json.loads((tmp_path / "otlpd.jsonl").read_text().splitlines()[-1])["message"] == "commit 199"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        log_lines.configure("text", "info", tmp_path / "file" / "otlpd.jsonl", io.StringIO())
