"""Proves who gets in: keys are found wherever senders put them, scopes and rates hold, changes count at once, and neither the
file nor a message ever holds a secret.
"""

from __future__ import annotations

import base64
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otlpd import cli
from otlpd.auth import Gate, TokenBucket, secrets_in
from otlpd.exit_codes import ExitCode
from otlpd.keys import BadKeys, Key, KeyRing, add_key, key_of_setting, new_key, read_keys, revoke_key
from receiver.errors import PermissionDenied, RateLimited, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOTHING: Mapping[str, str] = MappingProxyType({})


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "otlpd.db.keys.json"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {key}"},
        {"authorization": "bearer  {key}"},
        {"authorization": "basic"},
        {"x-api-key": "{key}"},
        {"api-key": "{key}"},
        {"x-otlp-api-key": "{key}"},
        {"authorization": "Bearer of-a-proxy", "x-api-key": "{key}"},
    ],
)
def test_a_key_is_found_wherever_senders_put_it(headers: dict[str, str], path: Path) -> None:
    _, secret = add_key(path, "sender", ["ingest"])
    given = {name: value.format(key=secret) for name, value in headers.items()}
    if given.get("authorization") == "basic":
        given = {"authorization": _basic("anybody", secret)}
    Gate(path)(given, "ingest")


def test_without_keys_everybody_gets_in(path: Path) -> None:
    gate = Gate(path)
    gate(NOTHING, "ingest")
    gate(NOTHING, "admin")
    assert not gate.locked


def test_no_key_and_a_wrong_key_are_told_apart(path: Path) -> None:
    _, secret = add_key(path, "sender", ["ingest"])
    gate = Gate(path)
    with pytest.raises(Unauthenticated, match="x-api-key"):
        gate(NOTHING, "ingest")
    with pytest.raises(Unauthenticated, match="not known"):
        gate({"x-api-key": secret[:-1]}, "ingest")


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (["ingest"], {"ingest"}),
        (["query"], {"query"}),
        (["ingest", "query"], {"ingest", "query"}),
        (["admin"], {"ingest", "query", "admin"}),
    ],
)
def test_a_key_does_what_its_scopes_say(scopes: list[str], allowed: set[str], path: Path) -> None:
    _, secret = add_key(path, "key", scopes)
    gate = Gate(path)
    for scope in ("ingest", "query", "admin"):
        if scope in allowed:
            gate({"x-api-key": secret}, scope)
        else:
            with pytest.raises(PermissionDenied, match=scope):
                gate({"x-api-key": secret}, scope)


def test_each_key_has_its_own_rate(path: Path) -> None:
    _, busy = add_key(path, "busy", ["ingest"])
    _, calm = add_key(path, "calm", ["ingest"])
    clock = Clock()
    gate = Gate(path, rate_limit=5, clock=clock)
    for _ in range(10):
        gate({"x-api-key": busy}, "ingest")
    with pytest.raises(RateLimited) as refused:
        gate({"x-api-key": busy}, "ingest")
    assert refused.value.retry_after == 1
    gate({"x-api-key": calm}, "ingest")
    clock.now += 0.2
    gate({"x-api-key": busy}, "ingest")


def test_a_slow_rate_never_asks_for_a_longer_wait_than_senders_accept(path: Path) -> None:
    _, secret = add_key(path, "slow", ["ingest"])
    gate = Gate(path, rate_limit=0.001, clock=Clock())
    gate({"x-api-key": secret}, "ingest")
    with pytest.raises(RateLimited) as refused:
        gate({"x-api-key": secret}, "ingest")
    assert refused.value.retry_after == 5


@given(rate=st.floats(0.1, 1000), pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_bucket_never_gives_more_than_its_rate_and_one_burst(rate: float, pauses: list[float]) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        taken += sum(bucket.take() == 0 for _ in range(5))
    assert taken <= sum(pauses) * rate + max(1, 2 * rate) + 1e-6


def test_changes_count_within_a_second(path: Path) -> None:
    clock = Clock()
    gate = Gate(path, clock=clock)
    gate(NOTHING, "ingest")
    _, secret = add_key(path, "first", ["ingest"])
    clock.now += 1.1
    with pytest.raises(Unauthenticated):
        gate(NOTHING, "ingest")
    gate({"x-api-key": secret}, "ingest")
    revoke_key(path, "first")
    clock.now += 1.1
    with pytest.raises(Unauthenticated):
        gate({"x-api-key": secret}, "ingest")
    path.unlink()
    clock.now += 1.1
    with pytest.raises(Unauthenticated):
        gate(NOTHING, "ingest")


def test_a_damaged_file_leaves_the_old_keys_in_force(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    _, secret = add_key(path, "first", ["ingest"])
    gate = Gate(path, clock=clock)
    path.write_text("{")
    clock.now += 1.1
    gate({"x-api-key": secret}, "ingest")
    with pytest.raises(Unauthenticated):
        gate(NOTHING, "ingest")
    assert "stay in force" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "keys": []}',
        '{"format": 1, "keys": [{}]}',
        '{"format": 1, "keys": [{"name": "a", "scopes": ["ingest"], "sha256": "00"}]}',
        '{"format": 1, "keys": [{"name": "a", "scopes": ["everything"], "sha256": "' + "0" * 64 + '"}]}',
        '{"format": 1, "keys": 5}',
    ],
)
def test_a_damaged_file_is_refused_and_named(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(BadKeys, match=r"scope|otlpd\.db\.keys\.json"):
        read_keys(path)


def test_the_file_holds_no_secret_and_is_the_owners(path: Path) -> None:
    key, secret = add_key(path, "sender", ["ingest"])
    text = path.read_text()
    assert secret not in text
    assert secret.removeprefix("otlpd_") not in text
    assert key.sha256 in text
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_made_at_the_same_time_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: add_key(path, f"key {number}", ["ingest"])[0], range(16)))
    assert {key.sha256 for key in made} == {key.sha256 for key in read_keys(path)}


def test_names_are_unique_and_printable(path: Path) -> None:
    add_key(path, "sender", ["ingest"])
    with pytest.raises(BadKeys, match="already"):
        add_key(path, "sender", ["query"])
    for name in ("", " ", "a\nb", "n" * 101):
        with pytest.raises(BadKeys, match="printable"):
            new_key(name, ["ingest"])


def test_a_key_is_revoked_by_name_or_id(path: Path) -> None:
    add_key(path, "one", ["ingest"])
    two, _ = add_key(path, "two", ["ingest"])
    revoke_key(path, "one")
    revoke_key(path, two.identifier)
    assert read_keys(path) == []
    with pytest.raises(BadKeys, match="otlpd keys list"):
        revoke_key(path, "one")


def test_a_hash_that_only_begins_alike_is_not_the_key() -> None:
    """The ring looks up the public beginning of the hash and must compare the rest."""
    key, secret = new_key("real", ["ingest"])
    forged = Key("forged", ("admin",), key.sha256[:12] + "0" * 52)
    assert KeyRing([forged]).find(secret) is None
    assert KeyRing([key]).find(secret) is key


def test_keys_of_a_setting_carry_scopes() -> None:
    key = key_of_setting("ingest+query:" + "k" * 24, 1)
    assert key.scopes == ("ingest", "query")
    assert KeyRing([key]).find("k" * 24) is key


@given(st.dictionaries(st.sampled_from(["authorization", "x-api-key", "api-key"]), st.text(max_size=200)))
def test_no_header_breaks_the_search_for_keys(headers: dict[str, str]) -> None:
    ring = KeyRing([new_key("a", ["ingest"])[0]])
    assert [ring.find(secret) for secret in secrets_in(headers)] == [None] * len(list(secrets_in(headers)))


def test_the_command_makes_lists_and_revokes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The secret alone goes to standard output, so that `KEY=$(otlpd keys add ...)` works."""
    at = ["--db", str(tmp_path / "a.db")]
    assert cli.main(["keys", "add", *at, "--name", "ci", "--scope", "ingest", "--scope", "query"]) == ExitCode.OK
    made = capsys.readouterr()
    secret = made.out.strip()
    assert KeyRing(read_keys(tmp_path / "a.db.keys.json")).find(secret) is not None
    assert "shown this once" in made.err
    assert cli.main(["keys", "list", *at]) == ExitCode.OK
    listed = capsys.readouterr().out
    assert "ingest,query" in listed
    assert secret not in listed
    assert cli.main(["keys", "revoke", *at, "ci"]) == ExitCode.OK
    assert cli.main(["keys", "revoke", *at, "ci"]) == ExitCode.USAGE
    assert "no key" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadKeys, match="cannot be written"):
        add_key(tmp_path / "keys.json", "a", ["ingest"])
