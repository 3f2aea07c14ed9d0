"""Records the fixtures again: ``python -m proto_fixtures.record.record [--only CLIENT …]``.

Each client is set up in a temporary folder, tells the story once per transport and part to a recording server on
loopback, and its requests are written with the answers that the story demands. Nothing is written before every request
of the chosen clients has come and agrees with its answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from proto_fixtures import FOLDER, Encoding, Signal, parse
from proto_fixtures.reading import Facts, canonical, read
from proto_fixtures.record import by_hand, clients
from proto_fixtures.record.answers import answer
from proto_fixtures.record.server import Recording, RecordingServer
from proto_fixtures.record.story import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

BY_HAND = "handwritten"


@dataclass(frozen=True)
class Written:
    name: str
    encoding: Encoding
    body: bytes
    meta: dict[str, Any]
    answer: Facts


def main(only: list[str]) -> None:
    written: list[Written] = []
    if BY_HAND in only:
        written += [_by_hand(one) for one in by_hand.requests()]
    with RecordingServer() as server:
        for client in clients.CLIENTS:
            if client.name in only:
                with tempfile.TemporaryDirectory(prefix="fixtures-") as folder:
                    written += _record(client, server, Path(folder))
    for client_name in only:
        for old in FOLDER.glob(f"{client_name}-*"):
            old.unlink()
    FOLDER.mkdir(exist_ok=True)
    for one in written:
        _write(one)
    sys.stdout.write(f"{len(written)} requests in {FOLDER.name}/\n")


def _record(client: clients.Client, server: RecordingServer, folder: Path) -> Iterator[Written]:
    ready = client.set_up(folder)
    for transport, parts in client.parts.items():
        story = tell(client.name, transport)
        (folder / "story.json").write_text(json.dumps(story), encoding="utf-8")
        for part in parts:
            environment = _environment(server, transport, part)
            clients.run((*ready.command, transport, part, "story.json"), folder, clients.RUN_SECONDS, environment)
            recordings = server.take()
            expected = 2 if part.startswith("metrics") else 1
            if len(recordings) != expected:
                sys.exit(f"{client.name} {transport} {part}: {len(recordings)} requests came, not {expected}")
            for turn, recording in enumerate(recordings):
                name = f"{client.name}-{transport}-{part}" + (f"-{turn + 1}" if expected > 1 else "")
                meta = _meta(client, ready, transport, recording)
                encoding: Encoding = "json" if transport == "http-json" else "protobuf"
                body = read(parse(cast("Signal", recording.signal), encoding, recording.body))
                told = answer(story, part, turn, body)
                _agree(name, told, body)
                yield Written(name, encoding, recording.body, meta, told)


def _environment(server: RecordingServer, transport: str, part: str) -> dict[str, str]:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint(transport)}
    if transport == "http-protobuf":
        environment["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"
    if part.startswith("metrics-"):
        environment["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = part.removeprefix("metrics-")
    return environment


def _meta(client: clients.Client, ready: clients.Ready, transport: str, recording: Recording) -> dict[str, Any]:
    exporter = client.exporters[transport, recording.signal]
    return {
        "client": client.name,
        "sdk_version": ready.versions[client.sdk],
        "exporter": exporter,
        "exporter_version": ready.versions[exporter],
        "transport": transport,
        **{key: text for key, text in asdict(recording).items() if key != "body"},
        "recorded": True,
    }


def _by_hand(one: by_hand.Request) -> Written:
    _agree(one.name, one.answer, read(parse(one.signal, one.encoding, one.body)))
    transport, content_type = (
        ("http-json", "application/json") if one.encoding == "json" else ("http-protobuf", "application/x-protobuf")
    )
    meta = {
        "client": BY_HAND,
        "transport": transport,
        "signal": one.signal,
        "content_type": content_type,
        "content_encoding": "identity",
        "user_agent": "",
        "recorded": False,
        "why": one.why,
    }
    return Written(one.name, one.encoding, one.body, meta, one.answer)


def _agree(name: str, told: Facts, body: Facts) -> None:
    if canonical(told) == canonical(body):
        return
    differences = "\n".join(_differences("", told, body))
    sys.exit(f"{name}: the request is not what the client was told to send (told → sent)\n{differences}")


def _differences(place: str, told: Any, sent: Any) -> Iterator[str]:
    if isinstance(told, dict) and isinstance(sent, dict):
        for key in sorted(told.keys() | sent.keys()):
            yield from _differences(f"{place}.{key}", told.get(key, "(absent)"), sent.get(key, "(absent)"))
    elif isinstance(told, list) and isinstance(sent, list) and len(told) == len(sent):
        for index, pair in enumerate(zip(told, sent, strict=True)):
            yield from _differences(f"{place}[{index}]", *pair)
    elif canonical(told) != canonical(sent):
        yield f"  {place}: {told!r} → {sent!r}"


def _write(one: Written) -> None:
    suffix = "binpb" if one.encoding == "protobuf" else "json"
    (FOLDER / f"{one.name}.{suffix}").write_bytes(one.body)
    for part, content in (("meta", one.meta), ("answer", one.answer)):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (FOLDER / f"{one.name}.{part}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    everyone = [BY_HAND, *(client.name for client in clients.CLIENTS)]
    parser = argparse.ArgumentParser(description="Record the fixtures again, from the real clients.")
    parser.add_argument("--only", nargs="+", choices=everyone, default=everyone, help="replace the files of these alone")
    main(parser.parse_args().only)
