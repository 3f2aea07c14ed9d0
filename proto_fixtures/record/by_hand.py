"""Requests that no SDK makes: written by hand as OTLP/JSON in handwritten/, each with its answer.

``as: protobuf`` stores the request as protobuf bytes, ``as: json`` as the very text of ``request``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from proto_fixtures import Encoding, Signal, parse

if TYPE_CHECKING:
    from proto_fixtures.reading import Facts

FOLDER = Path(__file__).with_name("handwritten")


@dataclass(frozen=True)
class Request:
    name: str
    signal: Signal
    encoding: Encoding
    body: bytes
    answer: Facts
    why: str


def requests() -> list[Request]:
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def _read(path: Path) -> Request:
    source = json.loads(path.read_bytes())
    signal = cast("Signal", path.stem.split("-")[0])
    body = json.dumps(source["request"], ensure_ascii=False).encode()
    if source["as"] == "protobuf":
        body = parse(signal, "json", body).SerializeToString(deterministic=True)
    return Request(f"handwritten-{path.stem}", signal, source["as"], body, source["answer"], source["why"])
