"""One gateway, as its scheduler sees it. Each turn of it is a turn of the scheduler's own runtime.

Nothing that a gateway sends can harm more than itself: what cannot be ends its link, with a reason. A gateway that is lost takes
its turns with it: they are cancelled; those that ran on all the same are adopted when it is back.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.transport import Link
from thunderagent.core import PromptSize, Usage
from thunderagent.errors import LinkError, RequestProblem, TurnRefused
from thunderagent.runtime import EngineTiming, Patience, Runtime, Turn

logger = logging.getLogger(__name__)

OUTCOMES = frozenset({"completed", "failed", "cancelled", "refused", "lost"})


class Desk(Protocol):
    """What a scheduler's process has for gateways beside its runtime."""

    @property
    def runtime(self) -> Runtime: ...

    def backends(self) -> list[m.Backend]:
        """All that are there."""
        ...

    @property
    def names_sessions(self) -> bool:
        """Whether engines are to be told programs."""
        ...

    def asked(self, program_id: str) -> str:
        """A turn of this program has come; gives the prompt group that its id tells of, or nothing."""
        ...

    def took(self, backend_id: str, *, retry: bool) -> int:
        """A request is sent there; what is given back belongs to ``ended`` (``Fleet``)."""
        ...

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool) -> None:
        """It is over."""
        ...

    def saw_weights(self, backend_id: str, version: str) -> None:
        """A backend has answered with these weights."""
        ...

    def counted(self, counts: m.Http, *, opened: int) -> None:
        """A gateway has counted this; ``opened``: so many more requests are open there than it told before."""
        ...

    async def attach(self, program_id: str, docker_ids: tuple[str, ...]) -> object:
        """Make containers a program's.

        Raises:
            RequestProblem: they cannot be.
        """
        ...


@dataclass(slots=True, eq=False)
class _Remote:
    number: int
    turn: Turn
    waiting: asyncio.Task[None] | None = None

    @property
    def runs(self) -> bool:
        return self.waiting is None and self.turn.backend != "" and not self.turn.lost


class Peer:
    """The receiver of one link."""

    def __init__(
        self, desk: Desk, link: Link, token: str, port: int, *, joined: Callable[[Peer], None], over: Callable[[Peer], None]
    ) -> None:
        """``joined`` and ``over``: told when it may hear what all gateways are told, and when it has gone."""
        self._desk, self._runtime, self._link = desk, desk.runtime, link
        self._token, self._port, self._joined, self._over = token, port, joined, over
        self._known = self._closed = False
        self._turns: dict[int, _Remote] = {}
        self._requests: dict[int, tuple[str, int]] = {}
        self._open_requests = 0
        self._calls: set[asyncio.Task[None]] = set()
        self.heard_s = self._runtime.now()
        """When it last said anything, by the runtime's clock."""

    def tell(self, message: m.Message) -> None:
        """Send it."""
        self._link.send(m.encode(message))

    def received(self, frame: bytes) -> None:
        """From the link."""
        if self._closed:
            return
        self.heard_s = self._runtime.now()
        try:
            message = m.read_gateway(frame)
            if self._known == isinstance(message, m.Hello):
                raise LinkError("the first message, and no other, is a hello")
            _HANDLERS[type(message)](self, message)
        except m.BROKEN as error:
            self.end(f"sent what is no message ({m.shown(error)})")
        except LinkError as error:
            self.end(str(error))

    def lost(self, reason: str) -> None:
        """From the link."""
        if self._turns and not self._closed:
            logger.warning("a gateway is lost: it %s; its %d turns are cancelled", reason, len(self._turns))
        self._end()

    def end(self, reason: str) -> None:
        """It is not listened to any more, and told why."""
        if not self._closed:
            logger.warning("a gateway is sent away: it %s", reason)
            self.tell(m.Denied(reason))
            self._end()

    def close(self) -> None:
        """Its turns are cancelled, and the link ends."""
        self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._link.close()
        for task in self._calls:
            task.cancel()
        for remote in list(self._turns.values()):
            self._leave(remote, "cancelled")
        for backend, epoch in self._requests.values():
            self._desk.ended(backend, None, epoch, answered=False)
        self._desk.counted(m.Http([], [], 0, 0, 0, 0), opened=-self._open_requests)
        self._over(self)

    # Messages

    def hello(self, hello: m.Hello) -> None:
        if hello.version != m.VERSION:
            raise LinkError(
                f"speaks version {hello.version} of the link, this scheduler {m.VERSION}: install one thunderagent on both"
            )
        if not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            raise LinkError(
                "has another token than this scheduler" if hello.token else "has no token, and this scheduler wants one"
            )
        self._known = True
        self.tell(m.Welcome(m.VERSION, self._port, self._desk.names_sessions))
        self.tell(m.Backends(self._desk.backends()))
        self._joined(self)

    def arrive(self, message: m.Arrive) -> None:
        remote = self._remote(message)
        try:
            admitted = self._runtime.enter(remote.turn)
        except TurnRefused as refused:
            self._refused(remote, refused)
            return
        if admitted:
            self._admitted(remote)
        else:
            self._wait(remote, self._runtime.wait)

    def adopt(self, message: m.Adopt) -> None:
        remote = self._remote(message.arrival)
        self._runtime.adopt(remote.turn, message.backend, waited_s=message.waited_s, ran_s=message.ran_s)

    def first_token(self, message: m.FirstToken) -> None:
        remote = self._turns.get(message.turn)
        if remote is not None and remote.runs:
            remote.turn.first_token()

    def progress(self, message: m.Progress) -> None:
        remote = self._turns.get(message.turn)
        if remote is not None and remote.runs:
            remote.turn.progress(message.completion_tokens)

    def failed(self, message: m.Failed) -> None:
        remote = self._turns.get(message.turn)
        if remote is not None and remote.runs:
            remote.turn.failed(elsewhere=message.elsewhere)

    def again(self, message: m.Again) -> None:
        remote = self._turns.get(message.turn)
        if remote is None:
            raise LinkError(f"tries turn {message.turn} again, which is not known")
        if remote.waiting is not None or not remote.turn.lost:
            raise LinkError(f"tries turn {message.turn} again, which has not failed")
        self._wait(remote, self._runtime.enter_again)

    def left(self, message: m.Left) -> None:
        if message.outcome not in OUTCOMES:
            raise LinkError(f"names an outcome of a turn that there is not: {message.outcome[:40]!r}")
        remote = self._turns.get(message.turn)
        if remote is None:  # it was refused in the same moment
            return
        counts = message.counts
        if counts is not None:
            usage = Usage(counts.prompt_tokens, counts.completion_tokens, counts.cached_tokens, counts.prefill_s)
            timing = None if counts.timing is None else EngineTiming(*counts.timing)
            remote.turn.finish(usage, timing, message.tool)
        self._leave(remote, message.outcome)

    def sent(self, message: m.Sent) -> None:
        if message.request in self._requests:
            raise LinkError(f"has two requests of number {message.request}")
        self._requests[message.request] = message.backend, self._desk.took(message.backend, retry=message.retry)

    def ended(self, message: m.Ended) -> None:
        request = self._requests.pop(message.request, None)
        if request is not None:
            self._desk.ended(request[0], message.ok, request[1], answered=message.answered)

    def release(self, message: m.Release) -> None:
        self._runtime.release(message.program_id)

    def withdraw(self, message: m.Withdraw) -> None:
        self._runtime.withdraw(message.program_id)

    def weights(self, message: m.Weights) -> None:
        self._desk.saw_weights(message.backend, message.version)

    def http(self, message: m.Http) -> None:
        opened = message.open_requests - self._open_requests
        self._open_requests = message.open_requests
        self._desk.counted(message, opened=opened)
        self.tell(m.Alive())

    def attach(self, message: m.Attach) -> None:
        task = asyncio.create_task(self._attach(message), name="thunderagent-attach")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _attach(self, message: m.Attach) -> None:
        problem = None
        try:
            await self._desk.attach(message.program_id, tuple(message.docker_ids))
        except RequestProblem as error:
            problem = error.status, error.reason, str(error), error.param, error.retry_after_s
        except Exception:
            logger.exception("containers of %s could not be attached", message.program_id)
            problem = 500, "internal_error", "the scheduler failed; its log says why", None, None
        self.tell(m.Attached(message.call, problem))

    # Turns

    def _remote(self, message: m.Arrive) -> _Remote:
        if message.turn in self._turns:
            raise LinkError(f"has two turns of number {message.turn}")
        group = self._desk.asked(message.program_id)
        turn = self._runtime.turn(
            message.program_id,
            prompt_tokens=message.prompt_tokens,
            prompt=PromptSize(message.characters, message.images),
            group=message.group or group,
            phase=message.phase,
            tool=message.tool,
            prefix=message.prefix,
            prefix_tokens=message.prefix_tokens,
            prefix_characters=message.prefix_characters,
            priority=message.priority,
            patience=Patience(message.max_wait_s, message.max_waiting),
        )
        turn.on_lost = lambda: self.tell(m.Lost(message.turn))
        remote = self._turns[message.turn] = _Remote(message.turn, turn)
        return remote

    def _wait(self, remote: _Remote, until: Callable[[Turn], Awaitable[None]]) -> None:
        async def wait() -> None:
            try:
                await until(remote.turn)
            except TurnRefused as refused:
                self._refused(remote, refused)
            else:
                remote.waiting = None
                self._admitted(remote)

        remote.waiting = asyncio.create_task(wait(), name="thunderagent-waiting-turn")

    def _admitted(self, remote: _Remote) -> None:
        self.tell(m.Admitted(remote.number, remote.turn.backend, remote.turn.priority))

    def _refused(self, remote: _Remote, refused: TurnRefused) -> None:
        remote.waiting = None
        self._leave(remote, "refused")
        self.tell(m.Refused(remote.number, str(refused.cause), refused.reason, refused.retry_after_s))

    def _leave(self, remote: _Remote, outcome: str) -> None:
        del self._turns[remote.number]
        if remote.waiting is not None:
            remote.waiting.cancel()
        remote.turn.on_lost = None
        self._runtime.leave(remote.turn, outcome)


_HANDLERS: dict[type[Any], Callable[[Peer, Any], None]] = {
    m.Hello: Peer.hello,
    m.Arrive: Peer.arrive,
    m.Adopt: Peer.adopt,
    m.FirstToken: Peer.first_token,
    m.Progress: Peer.progress,
    m.Failed: Peer.failed,
    m.Again: Peer.again,
    m.Left: Peer.left,
    m.Sent: Peer.sent,
    m.Ended: Peer.ended,
    m.Release: Peer.release,
    m.Withdraw: Peer.withdraw,
    m.Weights: Peer.weights,
    m.Http: Peer.http,
    m.Attach: Peer.attach,
}
