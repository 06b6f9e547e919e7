"""Connections to hosts that may vanish; that they are closed is shown on several hosts (tests/hosts)."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop

from thunderagent.adapters.gateway import peers
from thunderagent.adapters.gateway.upstream import Pool

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such options")


def options(connection: peers.Options) -> tuple[int, int, int, int, int]:
    """Probed at all, after how long, how often, how many times; milliseconds that sent data may be unanswered."""
    return (
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),  # type: ignore[attr-defined]
        *(
            connection.getsockopt(socket.IPPROTO_TCP, option)  # type: ignore[attr-defined]
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        ),
    )


@pytest.mark.parametrize(
    ("timeout_s", "wanted"),
    [(60.0, (1, 15, 15, 3, 60_000)), (2.5, (1, 1, 1, 3, 2_500)), (0.1, (1, 1, 1, 3, 100))],
    ids=["a minute", "seconds", "less than the system can"],
)
def test_a_silent_host_is_asked_and_given_up_within_the_time(timeout_s: float, wanted: tuple[int, ...]) -> None:
    with socket.socket() as connection:
        peers.notice_its_end(connection, timeout_s)

        assert options(connection) == wanted


def test_a_system_without_these_options_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT"):
        monkeypatch.delattr(socket, name)
    with socket.socket() as connection:
        peers.notice_its_end(connection, 60.0)

        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_connections_to_engines_are_watched() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        pool = Pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connect_timeout_s=5.0, peer_timeout_s=8.0)
        connection = await pool._connect()
        assert options(connection._transport.get_extra_info("socket")) == (1, 2, 2, 3, 8_000)
        pool.close()
        server.close()

    uvloop.run(scenario())
