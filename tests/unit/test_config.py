"""Proves how settings come together: which origin wins, that every fault is found and named at once, that secrets stay hidden,
and that the documentation lists what there is.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otlpd import cli
from otlpd.commands.config import reference
from otlpd.config import BadSettings, load
from otlpd.exit_codes import MEANINGS, ExitCode
from otlpd.keys import add_key
from otlpd.settings import FIELDS, default_text, flag_of, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s" * 32


@pytest.fixture(autouse=True)
def _clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("OTLPD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def faults(tmp_path: Path) -> Callable[[Mapping[str, str]], list[str]]:
    """What `load` says is wrong with these flags."""

    def find(flags: Mapping[str, str]) -> list[str]:
        with pytest.raises(BadSettings) as caught:
            load({"db": str(tmp_path / "a.db"), **flags})
        return [str(fault) for fault in caught.value.faults]

    return find


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "otlpd.toml"
    path.write_text(text)
    return path


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _file(tmp_path, "grpc_port = 1\nhttp_port = 1\napi_port = 1\n")
    monkeypatch.setenv("OTLPD_HTTP_PORT", "2")
    monkeypatch.setenv("OTLPD_API_PORT", "2")
    found = load({"api_port": "3"}, file)
    assert (found.settings.grpc_port, found.settings.http_port, found.settings.api_port) == (1, 2, 3)
    assert found.origins["grpc_port"] == f"file {file}"
    assert found.origins["http_port"] == "environment OTLPD_HTTP_PORT"
    assert found.origins["api_port"] == "flag --api-port"
    assert found.origins["drain_seconds"] == "default"


def test_without_anything_given_the_defaults_hold(tmp_path: Path) -> None:
    found = load({})
    assert found.settings.db == tmp_path / "otlpd" / "otlpd.db"
    assert (found.settings.grpc_port, found.settings.http_port, found.settings.api_port) == (4317, 4318, 8000)
    assert found.settings.host == ("localhost",)
    assert set(found.origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_size", "20 GiB", 20 * 2**30),
        ("max_size", "1500", 1500),
        ("max_size", "none", None),
        ("max_age_days", "0.5", 0.5),
        ("max_age_days", "none", None),
        ("host", "127.0.0.1, [::1]", ("127.0.0.1", "::1")),
        ("allowed_origins", "https://a.example,https://b.example", ("https://a.example", "https://b.example")),
        ("insecure", "true", True),
        ("rate_limit", "2.5", 2.5),
    ],
)
def test_text_becomes_the_value_that_is_meant(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of(name), text)
    assert getattr(load({}).settings, name) == value


def test_a_file_may_use_the_types_of_toml(tmp_path: Path) -> None:
    file = _file(tmp_path, 'host = ["127.0.0.1"]\nmax_age_days = 7\nmax_size = "1 GiB"\ninsecure = false\n')
    settings = load({}, file).settings
    assert settings.host == ("127.0.0.1",)
    assert (settings.max_age_days, settings.max_size, settings.insecure) == (7.0, 2**30, False)


def test_all_faults_are_told_at_once_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _file(tmp_path, 'queue_rows = "many"\nhttp_prot = 1\n')
    monkeypatch.setenv("OTLPD_MAX_SIZE", "big")
    monkeypatch.setenv("OTLPD_GRPC_PROT", "1")
    with pytest.raises(BadSettings) as caught:
        load({"log_level": "loud", "grpc_port": "70000", "tls_key_file": "key.pem"}, file)
    told = {fault.setting: fault for fault in caught.value.faults}
    assert told["queue_rows"].origin == f"file {file}"
    assert "did you mean http_port?" in told["http_prot"].problem
    assert told["max_size"].origin == "environment OTLPD_MAX_SIZE"
    assert "64 MiB" in told["max_size"].problem
    assert "did you mean OTLPD_GRPC_PORT?" in told["OTLPD_GRPC_PROT"].problem
    assert told["log_level"].origin == "flag --log-level"
    assert "'loud'" in told["log_level"].problem
    assert "65535" in told["grpc_port"].problem
    assert "tls_cert_file" in told["tls_key_file"].problem
    assert len(told) == 7


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"tls_cert_file": "a.pem"}, "tls_key_file"),
        ({"tls_client_ca_file": "a.pem"}, "tls_cert_file"),
        ({"tls_cert_file": "/no/cert.pem", "tls_key_file": "/no/key.pem"}, "/no/cert.pem cannot be read"),
        ({"http_port": "4317"}, "grpc_port"),
        ({"host": "0.0.0.0"}, "no API key"),
        ({"host": "localhost,192.0.2.1"}, "no API key"),
        ({"host": "127.0.0.1:4317"}, "not a name or an address alone"),
        ({"host": ""}, "at least 1"),
        ({"drain_seconds": "inf"}, "86400"),
        ({"drain_seconds": "nan"}, "drain_seconds"),
        ({"max_age_days": "-1"}, "greater than 0"),
        ({"max_body_size": "1 GiB"}, "max_pending_size"),
        ({"api_keys": "ingest"}, "no colon"),
        ({"api_keys": f"send:{SECRET}"}, "no scope 'send'"),
        ({"db": "/"}, "directory"),
    ],
)
def test_what_cannot_work_is_refused_and_named(
    flags: Mapping[str, str], words: str, faults: Callable[[Mapping[str, str]], list[str]]
) -> None:
    told = faults(flags)
    assert len(told) == 1, told
    assert words in told[0]


def test_a_key_opens_addresses_beyond_this_machine(tmp_path: Path) -> None:
    """Each of the three ways to say that it is meant."""
    flags = {"db": str(tmp_path / "a.db"), "host": "0.0.0.0"}
    assert load({**flags, "insecure": "true"}).settings.insecure
    assert len(load({**flags, "api_keys": f"ingest:{SECRET}"}).keys) == 1
    add_key(tmp_path / "a.db.keys.json", "sender", ["ingest"])
    assert [key.name for key in load(flags).keys] == ["sender"]


def test_variables_of_kubernetes_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTLPD_SERVICE_HOST", "OTLPD_SERVICE_PORT_GRPC", "OTLPD_PORT", "OTLPD_PORT_4317_TCP_ADDR"):
        monkeypatch.setenv(name, "tcp://192.0.2.1:4317")
    assert load({}).settings.grpc_port == 4317


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTLPD_GRPC_PORT", "")
    assert load({}).origins["grpc_port"] == "default"


@pytest.mark.parametrize(("text", "words"), [("a = [", "is not TOML"), (None, "cannot be read")])
def test_a_file_that_cannot_be_used_is_named(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "none.toml" if text is None else _file(tmp_path, text)
    with pytest.raises(BadSettings, match=words) as caught:
        load({}, file)
    assert str(file) in str(caught.value)


def test_a_secret_is_neither_printed_nor_quoted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTLPD_API_KEYS", f"ingest:{SECRET}")
    assert cli.main(["config"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "***" in shown
    assert "environment OTLPD_API_KEYS" in shown
    assert SECRET not in shown
    monkeypatch.setenv("OTLPD_API_KEYS", f"nonsense:{SECRET}")
    assert cli.main(["config"]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert "api_keys" in captured.err
    assert SECRET not in captured.out + captured.err


def test_the_file_can_be_named_in_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path, "drain_seconds = 3\n")
    monkeypatch.setenv("OTLPD_CONFIG", str(file))
    assert cli.main(["config"]) == ExitCode.OK
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("drain_seconds")]
    assert line.split() == ["drain_seconds", "3", "file", str(file)]


def test_every_setting_is_a_flag_and_documented() -> None:
    """docs/configuration.md holds the table made from the settings: `python -m otlpd config --reference` prints it."""
    table = reference()
    for name in FIELDS:
        assert f"| `{name}` | `{flag_of(name)}` | `{variable_of(name)}` | {default_text(name)} |" in table
    assert table in (ROOT / "docs" / "configuration.md").read_text()


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    for code, meaning in MEANINGS.items():
        assert f"| {int(code)} | {meaning} |" in text
    assert set(MEANINGS) == set(ExitCode)


def test_the_command_alone_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == ExitCode.OK
    assert "serve" in capsys.readouterr().out


def test_unknown_words_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--grpc-prot", "1"])
    assert ended.value.code == ExitCode.USAGE
    assert "--grpc-prot" in capsys.readouterr().err
