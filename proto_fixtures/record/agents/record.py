"""Records the agent fixtures again: ``python -m proto_fixtures.record.agents.record [--only NAME …] [--keep FOLDER]``.

Each program runs in an environment of its own against the stub model and sends to the recording server, both on loopback.
Bodies and ``meta.json``, with the model's journal, are written; ``expected.json`` is never: it is worked out from the program
by hand, and the tests hold it against the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proto_fixtures.agents import FOLDER
from proto_fixtures.record.agents import environments, handwritten
from proto_fixtures.record.agents.libraries import LIBRARIES, QUIET, Library
from proto_fixtures.record.agents.model_server import ModelServer, Served
from proto_fixtures.record.server import RecordingServer

if TYPE_CHECKING:
    from proto_fixtures.record.server import Recording

RUN_SECONDS = 180
# What tells how a library reports; the rest of an environment is of no interest.
TELLING = (
    "opentelemetry",
    "openinference",
    "traceloop",
    "logfire",
    "openai",
    "anthropic",
    "google-genai",
    "litellm",
    "@opentelemetry",
    "@ai-sdk",
)


def main(only: list[str], keep: Path | None) -> None:
    handwritten.write(only)
    chosen = [library for library in LIBRARIES if library.name in only]
    with RecordingServer() as server, ModelServer() as model, tempfile.TemporaryDirectory(prefix="agents-") as temporary:
        for library in chosen:
            ready = environments.ready(library, (keep or Path(temporary)) / library.environment)
            output = _run(library, ready, server, model)
            recordings, journal = server.take(), model.take()
            sys.stdout.write(f"{output}{library.name}: {len(journal)} calls, {len(recordings)} requests\n")
            _write(library, ready, recordings, journal)


def _run(library: Library, ready: environments.Ready, server: RecordingServer, model: ModelServer) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(ready.folder),
        "NO_PROXY": "127.0.0.1",
        "STUB_MODEL": model.address,
        "OPENAI_API_KEY": "stub",
        "OPENAI_BASE_URL": f"{model.address}/v1",
        "ANTHROPIC_API_KEY": "stub",
        "ANTHROPIC_BASE_URL": model.address,
        "GOOGLE_API_KEY": "stub",
        "GOOGLE_GEMINI_BASE_URL": model.address,
        "OTEL_SERVICE_NAME": "weather-service",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.0,deployment.environment.name=test",
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint("http-protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        **QUIET,
        **dict(library.variables),
    }
    done = subprocess.run(  # noqa: S603 - fixed commands, no shell
        ready.command,
        cwd=ready.folder,
        env=environment,
        timeout=RUN_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{library.name} failed with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-6000:]}")
    return done.stdout[-3000:] + done.stderr[-3000:]


def _write(library: Library, ready: environments.Ready, recordings: list[Recording], journal: list[Served]) -> None:
    folder = FOLDER / library.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.binpb"), *folder.glob("*.json")):
        if old.name != "expected.json":
            old.unlink()
    bodies = []
    for number, recording in enumerate(recordings, 1):
        suffix = "json" if recording.content_type.startswith("application/json") else "binpb"
        name = f"{number:02}-{recording.signal}.{suffix}"
        (folder / name).write_bytes(recording.body)
        bodies.append({"file": name, "user_agent": recording.user_agent, "content_encoding": recording.content_encoding})
    meta = {
        "recorded": True,
        "program": f"proto_fixtures/record/agents/programs/{library.program}",
        "arguments": list(library.arguments),
        "variables": dict(library.variables),
        "versions": {name: version for name, version in sorted(ready.versions.items()) if _telling(name, library)},
        "bodies": bodies,
        "model_calls": [_line(served) for served in journal],
    }
    (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _telling(name: str, library: Library) -> bool:
    own = {package.partition("==")[0].partition("[")[0] for package in library.packages}
    return name in own or name.startswith(TELLING)


def _line(served: Served) -> dict[str, Any]:
    given = served.reply
    return {
        "number": given.number,
        "path": served.path,
        "model": given.model,
        "status": 429 if given.refused else 200,
        "stream": served.stream,
        "usage_told": served.told and not given.refused,
        "tool": given.tool,
        "input": given.usage.input,
        "output": given.usage.output,
        "cache_read": given.usage.cache_read,
        "cache_write": given.usage.cache_write,
        "reasoning": given.usage.reasoning,
    }


if __name__ == "__main__":
    everyone = [*handwritten.NAMES, *(library.name for library in LIBRARIES)]
    parser = argparse.ArgumentParser(description="Record the agent fixtures again, from the real libraries.")
    parser.add_argument("--only", nargs="+", choices=everyone, default=everyone, help="record these alone")
    parser.add_argument("--keep", type=Path, help="keep the environments here, for the next recording")
    options = parser.parse_args()
    main(options.only, options.keep)
