"""What senders do wrong is told in the log once a minute for each kind, with how often it happened meanwhile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from receiver.notices import Notices

if TYPE_CHECKING:
    import pytest


def test_each_kind_has_one_line_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("receiver.notices.time.monotonic", lambda: now)
    notices = Notices(logging.getLogger("tests"))
    for _ in range(5):
        notices.warn("a", "sender %s is wrong", "x")
    notices.warn("b", "another kind")
    now += 61
    notices.warn("a", "sender %s is wrong", "y")
    now += 61
    notices.warn("a", "sender %s is wrong", "z")
    assert caplog.messages == [
        "sender x is wrong",
        "another kind",
        "sender y is wrong (4 more like this since the last line)",
        "sender z is wrong",
    ]
