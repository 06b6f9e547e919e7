"""The scheduler's side of all its links."""

from __future__ import annotations

import asyncio

from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.peer import Desk, Peer
from thunderagent.adapters.link.transport import Link

SILENT_S = 10.0
"""A gateway speaks each second. One whose host or network is gone says nothing, not even that it goes; a loop that is blocked for
so long has other troubles."""
LOOK_S = 1.0


class SchedulerServer:
    """``accept`` is what a transport calls for each gateway that dials. All methods belong to the runtime's loop."""

    def __init__(self, desk: Desk, *, token: str = "", port: int) -> None:
        """``token``: what gateways must show; empty: nothing. ``port``: of this process's HTTP, which gateways forward to."""
        self._desk, self._token, self._port = desk, token, port
        self._peers: set[Peer] = set()
        self._strangers: set[Peer] = set()
        self._look: asyncio.TimerHandle | None = None
        self._told: list[m.Backend] = []

    @property
    def gateways(self) -> int:
        """That are there."""
        return len(self._peers)

    def accept(self, link: Link) -> Peer:
        """Somebody has dialled."""
        peer = Peer(self._desk, link, self._token, self._port, joined=self._joined, over=self._over)
        self._strangers.add(peer)
        if self._look is None:
            self._look_later()
        return peer

    def tell_backends(self) -> None:
        """Something of them may have changed."""
        backends = self._desk.backends()
        if backends != self._told:
            self._told = backends
            self._tell(m.Backends(backends))

    def end_rollout(self) -> None:
        """What waits at gateways is to be answered as aborted."""
        self._tell(m.EndRollout(list(self._desk.runtime.scheduler.programs)))

    def close(self) -> None:
        """Gateways go on without."""
        if self._look is not None:
            self._look.cancel()
        for peer in (*self._peers, *self._strangers):
            peer.close()

    def _tell(self, message: m.Message) -> None:
        for peer in self._peers:
            peer.tell(message)

    def _joined(self, peer: Peer) -> None:
        self._strangers.discard(peer)
        self._peers.add(peer)

    def _over(self, peer: Peer) -> None:
        self._strangers.discard(peer)
        self._peers.discard(peer)

    def _look_later(self) -> None:
        self._look = asyncio.get_running_loop().call_later(LOOK_S, self._look_at_all)

    def _look_at_all(self) -> None:
        now = self._desk.runtime.now()
        for peer in (*self._peers, *self._strangers):
            if now - peer.heard_s > SILENT_S:
                peer.end(f"has said nothing for {SILENT_S:g} s")
        self.tell_backends()
        self._look_later()
