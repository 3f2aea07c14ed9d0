"""Every setting of the daemon: its name, type, default and what it is for.

The name `grpc_port` is the flag `--grpc-port`, the variable `OTLPD_GRPC_PORT` and the key `grpc_port` of the TOML file. The
flags, `otlpd config` and docs/configuration.md are all made from this class.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import platformdirs
from pydantic import BeforeValidator, ByteSize, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.settings import Upstream
from otlpd.keys import key_of_setting

if TYPE_CHECKING:
    from pydantic.config import JsonDict
    from pydantic.fields import FieldInfo

MIB = 2**20
LOCALHOST = "localhost"


def _split(value: object) -> object:
    """Lists are written with commas on the command line and in the environment."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _none(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def _expand(value: object) -> object:
    return os.path.expanduser(value) if isinstance(value, str) else value  # noqa: PTH111  not a Path yet


def default_database() -> Path:
    return platformdirs.user_data_path("otlpd", appauthor=False) / "otlpd.db"


def default_decode_workers() -> int:
    """One processor is left for the event loop and the writer."""
    return max(1, min(4, (os.cpu_count() or 1) - 1))


Port: TypeAlias = Annotated[int, Field(ge=0, le=65535)]
File: TypeAlias = Annotated[Path, BeforeValidator(_expand)]
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets: TypeAlias = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Days: TypeAlias = Annotated[Annotated[float, Field(gt=0, le=36_500)] | None, BeforeValidator(_none)]
Size: TypeAlias = Annotated[ByteSize, Field(gt=0, le=2**50)]
OptionalSize: TypeAlias = Annotated[Size | None, BeforeValidator(_none)]
Rate: TypeAlias = Annotated[Annotated[float, Field(gt=0, le=1e6)] | None, BeforeValidator(_none)]
Ports: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode, BeforeValidator(_split)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]


def _setting(default: Any, description: str, group: str, *, shown: str | None = None, **limits: Any) -> Any:
    """A field; `shown` is what documents say where the default depends on the machine."""
    extra: JsonDict = {"group": group}
    if shown is not None:
        extra["shown"] = shown
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, description=description, json_schema_extra=extra, **limits)


class Settings(BaseSettings):
    """Validated, and never changed afterwards."""

    model_config = SettingsConfigDict(env_prefix="OTLPD_", extra="forbid", frozen=True)

    db: File = _setting(
        default_database,
        "The database file. Keys and the lock lie beside it.",
        "Data",
        shown="otlpd.db in the user's data directory of the operating system",
    )
    max_age_days: Days = _setting(30.0, "Spans, logs and metric points older than this are removed. `none` keeps all.", "Data")
    max_size: OptionalSize = _setting(
        None, "The oldest data goes when the database file grows beyond this, for example `20 GiB`.", "Data"
    )
    minute_rollup_days: Days = _setting(14.0, "How long latencies are kept by the minute.", "Data")
    hour_rollup_days: Days = _setting(400.0, "How long latencies are kept by the hour.", "Data")
    queue_rows: int = _setting(
        200_000, "Rows that may wait for a commit. Over it senders are told to come back in a second.", "Data", gt=0
    )
    queue_size: Size = _setting(ByteSize(64 * MIB), "Bytes of the rows that may wait for a commit.", "Data")

    facts: Literal["on", "off"] = _setting(
        "on",
        "Whether what agents did (runs, calls, turns, tokens, cost) is worked out of spans and log records as they come. With "
        "`off` ingest is faster and the file half as large; what comes meanwhile is missing from the answers about agents.",
        "Content",
    )
    content: Literal["full", "truncate", "off"] = _setting(
        "full",
        "What is kept of prompts, answers, tool arguments and results: `full`, `truncate` to `content_length`, or `off`. What is "
        "left out is counted and never stored, see security.md.",
        "Content",
    )
    content_length: int = _setting(
        2_000, "With `content` = `truncate`: how many characters of each text are kept.", "Content", ge=1, le=10_000_000
    )
    content_masks: bool = _setting(
        False, "Put marks in place of keys, passwords, tokens and e-mail addresses, wherever they stand.", "Content"
    )
    prices: File | None = _setting(
        None,
        'A JSON file of your own prices, in dollars: `{"model": {"input_cost_per_token": 3e-6, '
        '"output_cost_per_token": 1.5e-5}}`. They go before those of genai-prices.',
        "Content",
    )

    host: Names = _setting(
        (LOCALHOST,),
        "Names or addresses to listen on, separated by commas. `localhost` is 127.0.0.1 and ::1. "
        "Anything beyond this machine needs API keys, or `insecure`.",
        "Listening",
        min_length=1,
    )
    grpc_port: Port = _setting(4317, "OTLP over gRPC. 0 picks a free port.", "Listening")
    http_port: Port = _setting(4318, "OTLP over HTTP. 0 picks a free port.", "Listening")
    api_port: Port = _setting(8000, "The JSON API and its documentation; OTLP over HTTP too. 0 picks a free port.", "Listening")
    api_ports: Ports = _setting(
        (), "Further ports of the same API, for clients that were made for another one: `8765`.", "Listening"
    )
    path_prefixes: Names = _setting(
        (), "Further base paths of OTLP over HTTP: `/otlp` serves /otlp/v1/traces as well.", "Listening"
    )
    max_body_size: Size = _setting(ByteSize(64 * MIB), "The largest request, as sent and again after decompression.", "Listening")
    max_pending_size: Size = _setting(
        ByteSize(256 * MIB),
        "All requests between their first byte and their answer. Over it senders are told to come back.",
        "Listening",
    )
    body_seconds: Seconds = _setting(30.0, "How long a request's body may take to arrive.", "Listening")

    forward: str | None = _setting(
        None,
        "Send everything on to another OTLP receiver: `http://host:4318`, `https://…`, `grpc://host:4317` or `grpcs://…`. "
        "What it does not take waits in the database.",
        "Forwarding",
    )
    forward_headers: SecretStr | None = _setting(
        None, "Headers for the receiver, `name=value` separated by commas, for example its API key.", "Forwarding"
    )
    forward_gzip: bool = _setting(True, "Compress what is forwarded.", "Forwarding")
    forward_seconds: Seconds = _setting(10.0, "How long the receiver may take to answer one request.", "Forwarding")
    forward_ca_file: File | None = _setting(None, "Authorities in PEM that sign the receiver's certificate.", "Forwarding")
    forward_cert_file: File | None = _setting(None, "The certificate to show to the receiver, in PEM (mTLS).", "Forwarding")
    forward_key_file: File | None = _setting(None, "Its private key in PEM.", "Forwarding")

    insecure: bool = _setting(
        False, "Listen beyond this machine without any API key: whoever reaches the port may send and ask.", "Safety"
    )
    keys_file: File | None = _setting(
        None, "Where `otlpd keys` keeps the hashed API keys.", "Safety", shown="the database's name with .keys.json added"
    )
    api_keys: Secrets = _setting(
        (),
        "Further API keys, `scopes:key` separated by commas, for example `ingest+query:<32 random characters>`. For containers; "
        "elsewhere `otlpd keys add` is better: it keeps no key in plain text.",
        "Safety",
    )
    ingest_secret: SecretStr | None = _setting(
        None, "With it `POST /ingest` takes only payloads that are signed with it (`X-Agent-Signature`).", "Safety"
    )
    ingest_signature_seconds: Seconds = _setting(
        86_400.0,
        "How old a signed payload may be: agents send late what they could not send, signed with its time.",
        "Safety",
    )
    rate_limit: Rate = _setting(None, "Requests a second that each API key may make; bursts of twice as many pass.", "Safety")
    tls_cert_file: File | None = _setting(
        None, "The server's certificate chain in PEM; turns TLS on for all three ports.", "Safety"
    )
    tls_key_file: File | None = _setting(None, "The certificate's private key in PEM, not encrypted.", "Safety")
    tls_client_ca_file: File | None = _setting(
        None, "Authorities in PEM that must have signed every client's certificate (mTLS).", "Safety"
    )
    allowed_origins: Names = _setting(
        (),
        "Origins of web pages that may send and ask, besides those of this machine: `https://*.example.com`.",
        "Safety",
    )
    allowed_hosts: Names = _setting(
        (),
        "Names that the Host header may have, besides those of this machine, while otlpd listens on loopback only. Set it behind "
        "a reverse proxy.",
        "Safety",
    )

    query_seconds: Seconds = _setting(30.0, "A question that takes longer ends with an error.", "Work")
    query_threads: int = _setting(4, "Questions that are worked on at the same time.", "Work", ge=1, le=64)
    decode_workers: int = _setting(
        default_decode_workers,
        "Processes that decode large requests; they start with the first one. 0 decodes in the daemon itself.",
        "Work",
        shown="one less than there are processors, 1 to 4",
        ge=0,
        le=64,
    )
    drain_seconds: Seconds = _setting(
        8.0, "How long a stop may take to answer what is in flight. Containers are killed after 10 s.", "Work"
    )
    ingest_log: File | None = _setting(
        None, "A file that gets each payload of `POST /ingest` as one JSON line; rotated at 10 MiB, 5 old ones are kept.", "Work"
    )
    vendor_originals: bool = _setting(
        True,
        "Keep the exact text of each record of vendors' JSON. Without it a record takes about half the room and comes back with "
        "the same values, in other words of JSON.",
        "Work",
    )
    vendor_repeats: bool = _setting(
        False,
        "Store an event of Cylestio's clients each time it is sent. They send no ids: else what is equal is taken for the same.",
        "Work",
    )
    ingest_console: bool = _setting(False, "Show each payload of `POST /ingest` on standard error, for people.", "Work")
    log_file: File | None = _setting(
        None,
        "A file that gets every log line as one JSON object, beside what standard error shows; rotated at 10 MiB, 5 old ones are "
        "kept.",
        "Work",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "The least serious messages that are logged.", "Work"
    )
    log_format: Literal["text", "json"] = _setting(
        "text", "`text` for people; `json` writes one object a line, the start-up banner included.", "Work"
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is called with: otlpd.config gathers the sources itself, to know where each value came from."""
        assert settings_cls is cls
        return (init_settings,)

    @property
    def keys_path(self) -> Path:
        return self.keys_file or self.db.with_name(f"{self.db.name}.keys.json")

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, given: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for position, secret in enumerate(given, 1):
            key_of_setting(secret.get_secret_value(), position)
        return given

    @field_validator("forward")
    @classmethod
    def _check_upstream(cls, given: str | None) -> str | None:
        if given is not None:
            Upstream(given)
        return given

    @field_validator("host")
    @classmethod
    def _check_hosts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.removeprefix("[").removesuffix("]") for host in given)
        for host in hosts:
            if "/" in host or host.count(":") == 1:
                raise ValueError(f"{host} is not a name or an address alone; the ports have settings of their own")
        return hosts

    @field_validator("db")
    @classmethod
    def _check_database(cls, given: Path) -> Path:
        if given.is_dir() or not given.name:
            raise ValueError(f"{given} is a directory; name a file in it")
        return given


FIELDS: dict[str, FieldInfo] = Settings.model_fields


def flag_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    return f"OTLPD_{name.upper()}"


def group_of(name: str) -> str:
    extra = FIELDS[name].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["group"])


def default_text(name: str) -> str:
    """The default as documents show it."""
    field = FIELDS[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["shown"]) if "shown" in extra else f"`{value_text(field.get_default())}`"


def value_text(value: object) -> str:
    """A value as it can be written in the environment; secrets are masked."""
    if value is None:
        return "none"
    if isinstance(value, ByteSize):
        return _size_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _size_text(size: ByteSize) -> str:
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        number = size.to(unit)
        if number >= 1 and number == int(number):
            return f"{int(number)} {unit}"
    return str(int(size))
