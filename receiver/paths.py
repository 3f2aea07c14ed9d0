"""What is wrong with a path: an endpoint that was set a little wrong is the most frequent reason why nothing arrives."""

from __future__ import annotations

import re

from receiver.signals import SIGNALS

_SLASHES = re.compile("/{2,}")
_SIGNAL_PATHS = tuple(signal.path for signal in SIGNALS)
_ALL_PATHS = f"{', '.join(_SIGNAL_PATHS[:-1])} or {_SIGNAL_PATHS[-1]}"
_PROFILES = ("/v1development/profiles", "/v1/profiles")


def plain_path(path: str) -> str:
    """The path without doubled and trailing slashes."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def explain_path(path: str) -> str:
    """A path where nothing is received → what to change."""
    path = plain_path(path)
    shown = path[:100]
    if path == "/":
        return (
            f"nothing is received at /; POST to {_ALL_PATHS}. A variable for one signal, such as "
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, needs the whole URL; only OTEL_EXPORTER_OTLP_ENDPOINT is a base URL"
        )
    if path.count("/v1") > 1:
        return (
            f"the path {shown} is doubled: OTEL_EXPORTER_OTLP_ENDPOINT must be the base URL without /v1/…, because the "
            "sender appends it; or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and the like, which are used as they are"
        )
    if path.endswith(_PROFILES):
        return f"profiles are not stored: POST to {_ALL_PATHS}"
    if path.startswith("/opentelemetry.proto.collector."):
        return f"{shown} is a gRPC path: send gRPC to the gRPC port (4317 unless set otherwise), or POST to {_ALL_PATHS}"
    if path.endswith(_SIGNAL_PATHS):
        return f"nothing is received at {shown}: leave the base path out of the endpoint, or add it to path_prefixes"
    return f"nothing is received at {shown}; POST to {_ALL_PATHS}"
