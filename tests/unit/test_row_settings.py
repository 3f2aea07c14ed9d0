"""Proves what becomes of the settings for content and prices: they are checked at the start, go to other processes as they are,
and change rows and facts, and the search index with them.
"""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlpd.config import BadSettings, load, row_settings
from proto_fixtures.agents import agent_fixtures
from storage.facts.fact import Fact
from storage.rows import Kernel, batch_of
from storage.rows.hashes import search_hash
from storage.rows.segments import segments_of
from storage.rows.settings import ContentPolicy, PriceFileError, RowSettings
from tests.unit.facts_records import NOON, TRACE, key_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from storage.batch import Batch

PRICES = '{"my-model": {"input_cost_per_token": 0.5, "output_cost_per_token": 2}}'
CALL = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "my-model", "gen_ai.usage.input_tokens": 2,
    "gen_ai.usage.output_tokens": 3, "gen_ai.prompt": "hunter22",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTLPD_"):
            monkeypatch.delenv(name)


def body_of(*spans: Mapping[str, Any]) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, attributes in enumerate(spans, 1):
        span = scope.spans.add(trace_id=TRACE, span_id=number.to_bytes(8, "big"), start_time_unix_nano=NOON, name="call")
        span.attributes.extend(key_values(attributes))
    return request.SerializeToString()


def hashes_of(batch: Batch) -> set[int]:
    found = array("I")
    for segment in batch.segments:
        found.frombytes(segment[3])
    return set(found)


@pytest.mark.parametrize(
    "settings",
    [RowSettings(), RowSettings(ContentPolicy("truncate", 7, masks=True, patterns=("a,b", "ü")), PRICES)],
    ids=["default", "all"],
)
def test_settings_arrive_in_another_process_as_they_were(settings: RowSettings) -> None:
    assert RowSettings.load(settings.dump()) == settings


def test_settings_come_from_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(PRICES)
    flags = {"content": "truncate", "content_length": "9", "content_masks": "true", "prices": str(file)}
    settings = load({"db": str(tmp_path / "a.db"), **flags}).settings
    assert row_settings(settings) == RowSettings(ContentPolicy("truncate", 9, masks=True), PRICES)
    assert row_settings(load({"db": str(tmp_path / "a.db")}).settings) == RowSettings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("content", "none", "content (flag --content): must be 'full', 'truncate' or 'off', not 'none'"),
        ("content_length", "0", "content_length (flag --content-length): must be greater than or equal to 1, not '0'"),
        ("content_masks", "some", "content_masks (flag --content-masks): must be true or false, not 'some'"),
        ("prices", "/nowhere/p.json", "prices (flag --prices): the price file /nowhere/p.json cannot be read: No such file"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as caught:
        load({"db": str(tmp_path / "a.db"), name: value})
    (fault,) = caught.value.faults
    assert str(fault).startswith(told)


def test_a_price_file_that_cannot_be_used_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"my-model": {"input_cost_per_token": -1, "output_cost_per_token": 0}}')
    with pytest.raises(PriceFileError, match="input_cost_per_token of 'my-model' must be a number of dollars"):
        RowSettings.read(ContentPolicy(), file)


def test_prices_of_the_user_are_those_of_the_facts() -> None:
    (fact,) = Kernel(RowSettings(prices=PRICES)).batch_of("traces", body_of(CALL), NOON).facts
    assert Fact._make(fact).computed_cost == 2 * 0.5 + 3 * 2
    (unpriced,) = batch_of("traces", body_of(CALL), NOON).facts
    assert Fact._make(unpriced).computed_cost is None


def test_by_default_nothing_is_looked_at_twice() -> None:
    batch = batch_of("traces", body_of(CALL), NOON)
    assert batch.content_counts == (0, 0, 0)
    assert batch.contents


def test_what_was_removed_is_in_neither_rows_facts_nor_search_hashes() -> None:
    batch = Kernel(RowSettings(ContentPolicy("off", masks=True))).batch_of(
        "traces", body_of({**CALL, "note": "ask jo@example.com"}), NOON
    )
    assert batch.content_counts == (0, 1, 1)
    assert b"hunter22" not in batch.dump()
    assert b"jo@example" not in batch.dump()
    assert batch.contents == []
    hashes = hashes_of(batch)
    assert search_hash("gen_ai.prompt", "hunter22") not in hashes
    assert search_hash("note", "ask jo@example.com") not in hashes
    assert {search_hash("gen_ai.prompt", "[removed]"), search_hash("note", "ask [e-mail]")} <= hashes
    assert search_hash("gen_ai.request.model", "my-model") in hashes


def test_hashes_of_stored_rows_are_those_of_the_request() -> None:
    """Values of every type, more rows than a segment, and what agent libraries sent."""
    odd = {
        "a": 5,
        "b": 5.0,
        "c": True,
        "d": b"\x00\xff",
        "e": float("nan"),
        "f": None,
        "g": ["x"],
        "h": {"i": 1},
        "$j": "k",
        "": "é",
    }
    batches = [batch_of("traces", body_of(*[{**odd, "n": number} for number in range(1_100)]), NOON)]
    for fixture in agent_fixtures():
        batches += [batch_of(part.signal, part.message().SerializeToString(), NOON) for part in fixture.bodies]
    compared = [batch for batch in batches if batch.signal != "metrics"]
    assert len(compared) > 20
    for batch in compared:
        assert segments_of(batch) == batch.segments


def test_metrics_always_tell_their_facts() -> None:
    found = 0
    for fixture in agent_fixtures():
        for part in fixture.bodies:
            body = part.message().SerializeToString()
            batch = Kernel().batch_of(part.signal, body, NOON, derive=False)
            assert batch.derived == (part.signal == "metrics")
            assert batch.usages == batch_of(part.signal, body, NOON).usages
            assert part.signal == "metrics" or batch.facts == []
            found += len(batch.usages)
    assert found
