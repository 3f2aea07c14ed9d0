"""Proves that the SDKs of Python, Node and Go deliver all three signals with nothing but the endpoint set (cases 239 to 241).

Every protocol and every compression that each SDK has; the API then tells all that was reported, exactly, and the SDK itself
had nothing to say: no warning, no answer that it could not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.sdk.clients import CLIENTS, SETUP_SECONDS, Client, Program, command_or_skip
from tests.acceptance.sdk.shop import check_shop
from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(SETUP_SECONDS + 60)
ORDERS = ("1", "2")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all clients: each is a service of its own."""
    with Daemon(tmp_path_factory.mktemp("delivery") / "otlpd.db") as daemon:
        yield daemon


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_everything_arrives_and_the_sdk_has_nothing_to_say(receiver: Daemon, client: Client) -> None:
    endpoint = receiver.grpc_url if client.protocol == "grpc" else receiver.http_url
    with Program(command_or_skip(client), client, endpoint, f"shop {client}") as program:
        for order in ORDERS:
            program.order(order)
            program.wait(order)
        assert program.end() == 0
        assert program.log() == ""
    check_shop(receiver, f"shop {client}", ORDERS, all_signals=client.has_all_signals)
