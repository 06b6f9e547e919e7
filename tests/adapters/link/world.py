"""A scheduler, gateways, and links between them in memory: frames arrive one iteration of the loop later, until a link is cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any

from tests import simulated_time
from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.runtime import RemoteRuntime
from thunderagent.adapters.link.server import SchedulerServer
from thunderagent.adapters.link.transport import Link, Receiver
from thunderagent.core import CapPolicy, Policy, Usage
from thunderagent.errors import LinkError, RequestProblem
from thunderagent.runtime import Runtime, StepProfile

TOKEN = "secret"


class End:
    """One end of a link."""

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self.other: End
        self.silent = False
        """Whether what is sent here gets lost, as in a cut network."""
        self.sent: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)
        if not self.silent:
            asyncio.get_running_loop().call_soon(self.other.arrive, frame)

    def arrive(self, frame: bytes) -> None:
        if self.receiver is not None:
            self.receiver.received(frame)

    def close(self) -> None:
        self.receiver = None
        if not self.silent:
            asyncio.get_running_loop().call_soon(self.other.broken)

    def broken(self) -> None:
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.lost("closed the connection")


class Desk:
    """What a scheduler's process has, with its runtime; it remembers what it is told."""

    names_sessions = False

    def __init__(self, policy: Policy | None = None) -> None:
        self.steps: list[StepProfile] = []
        self.runtime = Runtime(policy or CapPolicy(1), clock=asyncio.get_running_loop().time, on_step=self.steps.append)
        self.in_flight: dict[int, tuple[str, bool]] = {}
        self.verdicts: list[tuple[str, bool | None, bool]] = []
        self.weights: list[tuple[str, str]] = []
        self.counts: list[m.Http] = []
        self.open_requests = 0
        self.attached: dict[str, tuple[str, ...]] = {}
        self._epochs = 0

    def backends(self) -> list[m.Backend]:
        known = self.runtime.scheduler.ledger.backends
        return [m.Backend(name, name, None, 0, None, known[name].usable) for name in self.runtime.backends]

    def asked(self, program_id: str) -> str:
        return program_id.rpartition("_")[0]

    def took(self, backend_id: str, *, retry: bool) -> int:
        self._epochs += 1
        self.in_flight[self._epochs] = backend_id, retry
        return self._epochs

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool) -> None:
        assert self.in_flight.pop(epoch)[0] == backend_id
        self.verdicts.append((backend_id, ok, answered))

    def saw_weights(self, backend_id: str, version: str) -> None:
        self.weights.append((backend_id, version))

    def counted(self, counts: m.Http, *, opened: int) -> None:
        self.counts.append(counts)
        self.open_requests += opened

    async def attach(self, program_id: str, docker_ids: tuple[str, ...]) -> object:
        if "unknown" in docker_ids:
            raise RequestProblem(400, "unknown_container", "there is no such container", param="docker_ids")
        if "hangs" in docker_ids:
            await asyncio.Event().wait()
        if "breaks" in docker_ids:
            raise ValueError("a defect")
        self.attached[program_id] = docker_ids
        return []


class World:
    """One scheduler at a time, and any number of gateways."""

    def __init__(self, policy: Callable[[], Policy] = lambda: CapPolicy(1), backends: tuple[str, ...] = ("a",)) -> None:
        self._policy, self._backends = policy, backends
        self.links: list[End] = []
        """The gateways' ends of all links so far."""
        self.desk: Desk
        self.server: SchedulerServer | None = None
        self.token = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start_scheduler(self) -> None:
        """Another one, which knows of nothing but its backends."""
        self.desk = Desk(self._policy())
        for backend in self._backends:
            self.desk.runtime.add_backend(backend, 10_000)
        self.server = SchedulerServer(self.desk, token=self.token, port=1)

    def kill_scheduler(self) -> None:
        """It does nothing more; whoever is linked to it sees that."""
        server, self.server = self.server, None
        assert server is not None
        if server._look is not None:
            server._look.cancel()
        for end in self.links:
            end.other.receiver = None
            asyncio.get_running_loop().call_soon(end.broken)

    async def dial(self, receiver: Receiver) -> Link:
        if self.server is None:
            raise LinkError("nobody is there")
        near, far = End(), End()
        near.other, far.other = far, near
        near.receiver = receiver
        far.receiver = self.server.accept(far)
        self.links.append(near)
        return near

    async def gateway(self, **options: Any) -> RemoteRuntime:
        """One that has looked for the scheduler."""
        runtime = RemoteRuntime(self.dial, clock=asyncio.get_running_loop().time, **options)
        self._tasks.append(asyncio.create_task(runtime.run()))
        await settled()
        return runtime

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.server is not None:
            self.server.close()


@contextlib.asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    """With a scheduler."""
    made = World(**options)
    made.start_scheduler()
    try:
        yield made
    finally:
        await made.close()


async def settled() -> None:
    """All that is on its way has arrived, and what it made happen too."""
    for _ in range(20):
        await asyncio.sleep(0)


def simulated(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """In simulated time."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        simulated_time.run(test(**fixtures))

    return run


async def one_turn(gateway: RemoteRuntime, program_id: str, seconds: float = 1.0, **more: Any) -> str:
    """Where it ran."""
    async with gateway.turn(program_id, prompt_tokens=100, **more) as turn:
        await asyncio.sleep(seconds)
        turn.finish(Usage(100, 10, 0))
        return turn.backend
