"""Settings from three places: a TOML file, over it the environment, over it the flags; checked as a whole before anything opens.

Every fault is found in one go and told with the setting, where it was set, and what would do.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from otlpd.keys import BadKeys, KeyRing, key_of_setting, read_keys
from otlpd.legacy_environment import WORKERS, legacy_settings, read_env_file, wrong_workers
from otlpd.settings import FIELDS, Settings, flag_of, variable_of
from receiver.hosts import is_loopback
from receiver.settings import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from otlpd.keys import Key
    from storage.rows.settings import RowSettings

CONFIG_VARIABLE = "OTLPD_CONFIG"
DEFAULT_ORIGIN = "default"

_PREFIX = "OTLPD_"
_LONGEST_QUOTE = 80

_WANTED = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "byte_size": "a size, for example 64 MiB",
    "byte_size_unit": "a size, for example 64 MiB",
}
_OF_KUBERNETES = re.compile(r"OTLPD_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""Kubernetes gives these to every pod beside a Service that is named otlpd; they are not meant for us."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`setting` as the user wrote it, in the place named by `origin`."""

    setting: str
    origin: str
    problem: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.origin}): {self.problem}"


class BadSettings(Exception):
    """All that is wrong, at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force, and where each was set."""

    settings: Settings
    origins: Mapping[str, str]
    keys: tuple[Key, ...]
    """Those of the keys file and of the setting `api_keys`."""


def load(flags: Mapping[str, Any], config_file: Path | None = None, *, to_serve: bool = True) -> Configuration:
    """Gather, validate, check. Raises BadSettings. `flags` has only what was given, as text.

    Without `to_serve` only each setting by itself is checked: `otlpd keys add` must work where a key is what is missing.
    """
    faults: list[Fault] = []
    given: dict[str, Any] = {}
    origins: dict[str, str] = {}
    file_values = _read_file(config_file, faults)
    read_env_file()
    legacy = legacy_settings(os.environ)
    if (wrong := wrong_workers(os.environ)) is not None:
        faults.append(Fault(WORKERS, "environment", wrong))
    for origin, values in (
        (f"file {config_file}", file_values),
        *((f"environment {variable}", {name: value}) for name, (variable, value) in legacy.items()),
        ("environment", _read_environment(faults)),
        ("flag", dict(flags)),
    ):
        given |= values
        origins |= {name: _origin(origin, name) for name in values}
    settings, invalid = _validate(given, origins)
    faults += invalid
    if to_serve:
        keys, wrong_together = _check_together(settings, invalid, origins)
        faults += wrong_together
    else:
        keys = ()
    if faults:
        raise BadSettings(faults)
    return Configuration(settings, {name: origins.get(name, DEFAULT_ORIGIN) for name in FIELDS}, keys)


def _check_together(
    settings: Settings, invalid: Iterable[Fault], origins: Mapping[str, str]
) -> tuple[tuple[Key, ...], list[Fault]]:
    """The keys, and the faults that several settings make together; none about settings that are wrong by themselves."""
    faults = []
    spoilt = {name for fault in invalid for name in FIELDS if fault.setting == name}
    keys: tuple[Key, ...] = ()
    try:
        keys = keys_of(settings)
    except BadKeys as error:
        faults.append(Fault("keys_file", origins.get("keys_file", DEFAULT_ORIGIN), str(error)))
        spoilt.add("host")
    for names, problem in _contradictions(settings, keys):
        if not spoilt.intersection(names):
            faults.append(Fault(names[0], origins.get(names[0], DEFAULT_ORIGIN), problem))
    return keys, faults


def fixed_keys(settings: Settings) -> list[Key]:
    """The keys of the setting `api_keys`."""
    return [key_of_setting(secret.get_secret_value(), number) for number, secret in enumerate(settings.api_keys, 1)]


def keys_of(settings: Settings) -> tuple[Key, ...]:
    return tuple(KeyRing([*fixed_keys(settings), *read_keys(settings.keys_path)]))


def row_settings(settings: Settings) -> RowSettings:
    """Raises PriceFileError."""
    from storage.rows.settings import ContentPolicy, RowSettings  # noqa: PLC0415  loads all that reads requests

    policy = ContentPolicy(settings.content, settings.content_length, settings.content_masks)
    return RowSettings.read(policy, settings.prices)


def listens_on_loopback_only(settings: Settings) -> bool:
    return all(is_loopback(host) for host in settings.host)


def tls_of(settings: Settings) -> TlsSettings | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return TlsSettings(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)


def _origin(kind: str, name: str) -> str:
    return {"environment": f"environment {variable_of(name)}", "flag": f"flag {flag_of(name)}"}.get(kind, kind)


def _read_file(path: Path | None, faults: list[Fault]) -> dict[str, Any]:
    if path is None:
        return {}
    origin = f"file {path}"
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "no such file")
        values = TomlConfigSettingsSource(Settings, path)()
    except OSError as error:
        faults.append(Fault("config", origin, f"cannot be read: {error.strerror}"))
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(Fault("config", origin, f"is not TOML: {error}"))
        return {}
    faults += (Fault(name, origin, f"no such setting{_suggestion(name, FIELDS)}") for name in values if name not in FIELDS)
    return {name: value for name, value in values.items() if name in FIELDS}


def _read_environment(faults: list[Fault]) -> dict[str, Any]:
    """Empty variables count as not set: compose files and unit files write them for what is left open."""
    known = {variable_of(name) for name in FIELDS} | {CONFIG_VARIABLE}
    faults += (
        Fault(name, "environment", f"no such setting{_suggestion(name, known)}")
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name not in known and not _OF_KUBERNETES.fullmatch(name)
    )
    return dict(EnvSettingsSource(Settings, env_ignore_empty=True)())


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else "; `otlpd config` lists them all"


def _validate(given: dict[str, Any], origins: Mapping[str, str]) -> tuple[Settings, list[Fault]]:
    """The settings, with defaults in place of those that are wrong, so that the rest can be checked as well."""
    try:
        return Settings(**given), []
    except ValidationError as error:
        faults = [_fault(found, given, origins) for found in error.errors(include_url=False)]
    wrong = {fault.setting for fault in faults}
    return Settings(**{name: value for name, value in given.items() if name not in wrong}), faults


def _fault(found: Any, given: Mapping[str, Any], origins: Mapping[str, str]) -> Fault:
    """What pydantic found, in our words. Values of `api_keys` are never quoted."""
    name, kind = str(found["loc"][0]), str(found["type"])
    origin = origins.get(name, DEFAULT_ORIGIN)
    message = str(found["msg"])
    if kind == "value_error":
        return Fault(name, origin, message.removeprefix("Value error, "))
    wanted = _WANTED.get(kind) or message.removeprefix("Input should be ")
    quoted = "" if name == "api_keys" else f", not {str(given.get(name))[:_LONGEST_QUOTE]!r}"
    return Fault(name, origin, f"must be {wanted}{quoted}")


def _contradictions(settings: Settings, keys: tuple[Key, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Settings that are right one by one and wrong together: their names, the one to change first, and the problem."""
    if settings.tls_cert_file is not None and settings.tls_key_file is None:
        yield ("tls_cert_file", "tls_key_file"), "needs tls_key_file, the certificate's private key"
    if settings.tls_key_file is not None and settings.tls_cert_file is None:
        yield ("tls_key_file", "tls_cert_file"), "needs tls_cert_file, the certificate of this key"
    if settings.tls_client_ca_file is not None and tls_of(settings) is None:
        yield (
            ("tls_client_ca_file", "tls_cert_file", "tls_key_file"),
            "clients can only be checked over TLS: set tls_cert_file and tls_key_file too",
        )
    yield from _same_ports(settings)
    yield from _unusable_tls(settings)
    yield from _unusable_prices(settings)
    if not listens_on_loopback_only(settings) and not keys and not settings.insecure:
        problem = (
            f"{','.join(settings.host)} can be reached from other machines, and there is no API key: make one with "
            f"`otlpd keys add`, or say {flag_of('insecure')} if everybody who reaches it may send and ask"
        )
        yield ("host", "insecure", "api_keys"), problem
    if settings.max_body_size > settings.max_pending_size:
        yield ("max_body_size", "max_pending_size"), "is larger than max_pending_size: such a request could never be let in"


def _same_ports(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    taken: dict[int, str] = {}
    ports = [(name, getattr(settings, name)) for name in ("grpc_port", "http_port", "api_port")]
    for name, port in [*ports, *(("api_ports", port) for port in settings.api_ports)]:
        if port in taken:
            yield (name, taken[port]), f"{port} is the {taken[port]} as well; each needs a port of its own"
        elif port:
            taken[port] = name


def _unusable_tls(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    tls = tls_of(settings)
    if tls is None:
        return
    from receiver.tls import BadTlsFile, ssl_context  # noqa: PLC0415  loads gRPC, which takes a tenth of a second

    try:
        ssl_context(tls)
    except BadTlsFile as error:
        yield ("tls_cert_file", "tls_key_file", "tls_client_ca_file"), str(error)


def _unusable_prices(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    if settings.prices is None:
        return
    from storage.rows.settings import PriceFileError  # noqa: PLC0415  as above

    try:
        row_settings(settings)
    except PriceFileError as error:
        yield ("prices",), str(error)
