"""Proves that README's first two minutes work: its Python sends a trace, its curl addresses answer."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.running import ROOT, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.running import Daemon

TEXT = (ROOT / "README.md").read_text()


def test_the_python_of_readme_sends_a_trace(daemon: Daemon, tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    environment = clean_environment(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": daemon.http_url})
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=30)
    (trace,) = daemon.ask("/api/traces")
    assert (trace["root_name"], trace["span_count"]) == ("my first span", 1)
    assert daemon.ask("/api/spans?attr.answer=42&start=-1h")[0]["trace_id"] == trace["trace_id"]


def test_the_questions_of_readme_are_answered(daemon: Daemon) -> None:
    asked = re.findall(r"^curl '?http://127\.0\.0\.1:8000([^'\s]+)", TEXT, re.MULTILINE)
    assert len(asked) >= 4
    for path in asked:
        assert isinstance(daemon.ask(path), list), path


def test_the_words_of_readme_are_in_the_makefile() -> None:
    words = set(re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE))
    assert {"run", "test", "help"} <= words
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert words <= targets
