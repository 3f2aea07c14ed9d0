"""What every client is told to do (story.json), made concrete for one client and one transport.

Ids carry the client and the transport in their first two bytes, and the service name does too, so that all recordings
can live in one database without being taken for each other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Story = dict[str, Any]

CLIENTS = ("python", "javascript", "go")
TRANSPORTS = ("grpc", "http-protobuf", "http-json")
# JavaScript's tracing API takes strings, numbers, booleans and lists of one of them; its scopes take no attributes.
EXTENDED_ATTRIBUTES = frozenset({"python", "go"})
SCOPE_ATTRIBUTES = frozenset({"python", "go"})


def tell(client: str, transport: str) -> Story:
    story: Story = json.loads(Path(__file__).with_name("story.json").read_bytes())
    prefix = f"{CLIENTS.index(client) + 1:02x}{TRANSPORTS.index(transport) + 1:02x}"
    story["resource"]["service.name"] = f"checkout-{client}-{transport}"
    story["spans"] = [_span(span, client, prefix) for span in story["spans"]]
    exception = story.pop("exceptions")[client]
    story["exception"] = {"log": exception, "span": {**exception, **story.pop("span_exception_extras").get(client, {})}}
    story["exemplars"] = client != "javascript"
    if client not in SCOPE_ATTRIBUTES:
        for scope in story["scopes"].values():
            scope["attributes"] = {}
    return story


def _span(span: Story, client: str, prefix: str) -> Story:
    told = _with_ids(span, prefix)
    told["links"] = [_with_ids(link, prefix) for link in span["links"]]
    extended = told.pop("extended_attributes", {})
    if client in EXTENDED_ATTRIBUTES:
        told["attributes"] = {**told["attributes"], **extended}
    return told


def _with_ids(item: Story, prefix: str) -> Story:
    ids = {key: prefix + item[key] for key in ("trace_id", "span_id", "parent_span_id") if item.get(key)}
    return {**item, **ids}
