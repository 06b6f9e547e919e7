"""Hosts at the other end of a connection that are gone without a word: crashed, or cut off.

TCP itself says nothing of them while nothing is sent, and tries for a quarter of an hour while something is.
"""

from __future__ import annotations

import socket
from typing import Protocol

PROBES = 3
"""Unanswered in a row: one may be lost, and so may the next."""


class Options(Protocol):
    """A socket, or uvloop's stand-in for one."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None: ...


def notice_its_end(connection: Options, timeout_s: float) -> None:
    """Close it when the host at its other end has not answered for ``timeout_s``; a process that is silent does not matter.

    Connections that a listening socket accepts afterwards are as it is. A peer that reads nothing of what is sent to it for so
    long is gone, too. Where the system has no such options, its own, longer times hold.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    between_s = max(1, round(timeout_s / (PROBES + 1)))
    for name, value in (
        ("TCP_KEEPIDLE", between_s),
        ("TCP_KEEPINTVL", between_s),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(timeout_s * 1_000)),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
