"""Proves what the SDKs and otlpd make of bad days together: nothing is lost, nothing is kept twice.

- case 247: the daemon is away for three seconds while clients report, and comes back on the same ports with the same file;
- case 248: two requests are answered "busy, come back in a second", the second after it was stored (its answer is lost);
- case 258: a part of a request is refused: the rest is kept, the SDK says so where it can, and does not send it again.

Clients wait for seconds here, some for a dozen, so the three days are lived through by all of them at once; then each is asked.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.acceptance.sdk.clients import SETUP_SECONDS, UNCOMPRESSED, Client, Program, Unavailable, command_or_skip, set_up
from tests.acceptance.sdk.fronts import Front, add_a_bad_item, busy_twice, front_of
from tests.acceptance.sdk.shop import check_shop
from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.acceptance.sdk.clients import Command
    from tests.acceptance.sdk.fronts import Conduct

pytestmark = pytest.mark.timeout(3 * SETUP_SECONDS + 60)
AWAY_SECONDS = 3.0
RETRYING = [client for client in UNCOMPRESSED if client.retries]
ZIPPED = [
    Client("python", "http/protobuf", "gzip"),
    Client("javascript", "http/json", "gzip"),
    Client("go", "http/protobuf", "gzip"),
]
RESENDING = [*RETRYING, *ZIPPED]
WAITING = [client for client in UNCOMPRESSED if client.waits_for_a_receiver]


class Life(NamedTuple):
    """How a client went through its day, and who stood in front of the daemon."""

    exit_code: int
    log: str
    front: Front | None


class Day(NamedTuple):
    daemon: Daemon
    lives: dict[Client, Life]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Day]]]:
    """All days at once; the daemons stay up for the questions."""
    commands = {client: set_up(client.language, as_json=client.protocol == "http/json") for client in [*UNCOMPRESSED, *ZIPPED]}
    ready = {client: command for client, command in commands.items() if not isinstance(command, Unavailable)}
    retrying = {client: command for client, command in ready.items() if client.retries}
    waiting = {client: command for client, command in ready.items() if client in WAITING}
    uncompressed = {client: command for client, command in ready.items() if not client.compression}
    folder = tmp_path_factory.mktemp("days")
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        yield {
            "busy": threads.submit(behind_fronts, stack, folder / "busy.db", retrying, busy_twice),
            "away": threads.submit(away_for_a_while, stack, folder / "away.db", waiting),
            "refused": threads.submit(behind_fronts, stack, folder / "refused.db", uncompressed, add_a_bad_item),
        }


def behind_fronts(stack: ExitStack, file: Path, commands: dict[Client, Command], conduct: Conduct) -> Day:
    daemon = stack.enter_context(Daemon(file))
    fronts = {client: stack.enter_context(front_of(daemon, client, conduct)) for client in commands}
    with ExitStack() as running:
        programs = {
            client: running.enter_context(Program(command, client, fronts[client].url, str(client), patient=True))
            for client, command in commands.items()
        }
        report(list(programs.values()), "1")
        return Day(daemon, {client: Life(program.end(), program.log(), fronts[client]) for client, program in programs.items()})


def away_for_a_while(stack: ExitStack, file: Path, commands: dict[Client, Command]) -> Day:
    daemon = Daemon(file)
    with ExitStack() as running:
        programs = {
            client: running.enter_context(Program(command, client, endpoint_of(daemon, client), str(client), patient=True))
            for client, command in commands.items()
        }
        report(list(programs.values()), "1")
        daemon.stop()
        stopped = time.monotonic()
        for program in programs.values():
            program.order("2")
        time.sleep(AWAY_SECONDS - (time.monotonic() - stopped))
        again = stack.enter_context(Daemon(file, same_ports(daemon)))
        for program in programs.values():
            program.wait("2")
        report(list(programs.values()), "3")
        return Day(again, {client: Life(program.end(), program.log(), None) for client, program in programs.items()})


def report(programs: Sequence[Program], order: str) -> None:
    for program in programs:
        program.order(order)
    for program in programs:
        program.wait(order)


def endpoint_of(daemon: Daemon, client: Client) -> str:
    return daemon.grpc_url if client.protocol == "grpc" else daemon.http_url


def same_ports(daemon: Daemon) -> list[str]:
    urls = {"--grpc-port": daemon.grpc_url, "--http-port": daemon.http_url}
    return [word for flag, url in urls.items() for word in (flag, str(urlsplit(url).port))]


def life_of(client: Client, day: Day) -> Life:
    command_or_skip(client)
    life = day.lives[client]
    assert life.exit_code == 0, life.log
    return life


@pytest.mark.parametrize("client", WAITING, ids=str)
def test_nothing_is_lost_while_the_daemon_is_away(days: dict[str, Future[Day]], client: Client) -> None:
    """Case 247."""
    day = days["away"].result()
    life_of(client, day)
    check_shop(day.daemon, str(client), ["1", "2", "3"], all_signals=client.has_all_signals)


@pytest.mark.parametrize("client", RESENDING, ids=str)
def test_what_is_sent_again_is_kept_once(days: dict[str, Future[Day]], client: Client) -> None:
    """Case 248. Three requests a signal were seen (and one with the last metrics of a client that ends), encoded as meant."""
    day = days["busy"].result()
    front = life_of(client, day).front
    assert front is not None
    assert front.requests == ({"traces": 3, "logs": 3, "metrics": 4} if client.has_all_signals else {"traces": 3})
    assert front.codings == ({client.compression} if client.compression else set())
    check_shop(day.daemon, str(client), ["1"], all_signals=client.has_all_signals)


@pytest.mark.parametrize("client", UNCOMPRESSED, ids=str)
def test_a_partial_success_is_not_sent_again(days: dict[str, Future[Day]], client: Client) -> None:
    """Case 258. Metrics go out once more when a client ends. Python's exporters are silent; the others say what was refused."""
    day = days["refused"].result()
    life = life_of(client, day)
    assert life.front is not None
    assert life.front.requests == ({"traces": 1, "logs": 1, "metrics": 2} if client.has_all_signals else {"traces": 1})
    check_shop(day.daemon, str(client), ["1"], all_signals=client.has_all_signals)
    if client.language != "python":
        assert "without ids" in life.log
