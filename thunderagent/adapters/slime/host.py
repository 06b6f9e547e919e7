"""The scheduler of the engines behind one router: where the turns of samples go, and what is told of them."""

from __future__ import annotations

import asyncio
import logging
from argparse import Namespace
from collections.abc import Callable
from typing import Protocol

from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.slime.metrics import StepLog, StepNotes
from thunderagent.adapters.slime.programs import TRAIN, args_of, group_of
from thunderagent.adapters.slime.router import Engines, RouterWatch
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.serving import Serving
from thunderagent.tools_config import ToolsConfig

logger = logging.getLogger(__name__)

REFRESH_S = 10.0
"""For a look at the router before a step: longer than it may take."""
DAY_S = 86_400.0


class Host(Protocol):
    """What a sample needs."""

    notes: StepNotes

    @property
    def alive(self) -> bool:
        """Whether turns can be sent there."""
        ...

    def args_for(self, args: Namespace, program_id: str) -> Namespace:
        """slime's arguments, for the inner function."""
        ...

    def enter(self, program_id: str) -> None:
        """Its first turn may come."""
        ...

    async def leave(self, program_id: str, *, comes_back: bool) -> None:
        """No turn of it comes any more, for now or for ever."""
        ...

    def interrupt(self, aborted: bool) -> None:
        """slime aborts its training samples, or has done so."""
        ...

    def begin_step(self) -> None:
        """A rollout is about to begin."""
        ...

    def end_step(self, phase: str) -> dict[str, float]:
        """It is over; what was measured since the last time."""
        ...

    def close(self) -> None:
        """The process ends."""
        ...


class EmbeddedHost:
    """A gateway in a thread of its own: it does not matter on which of slime's loops and threads it is called."""

    def __init__(self, router: str, config: ThunderConfig, engines: Engines, ip: str, tools: ToolsConfig | None = None) -> None:
        """Starts it.

        Args:
            router: slime's, its base URL.
            config: of the scheduler.
            engines: what the router has told.
            ip: of this machine, for those who send the turns.
            tools: of sandboxes; None: there are none.
        """
        self.notes = StepNotes()
        self._ip = ip
        self._running: set[str] = set()
        self._kept: set[str] = set()
        self._log = StepLog()
        self._gateway = EmbeddedGateway(
            config, gateway_settings(ip), engines.urls, EngineKind.SGLANG, group_of=group_of, tools=tools
        )
        self._port = int(self._gateway.start().rpartition(":")[2])
        self._loop, self._watch, self._following = self._gateway.call(lambda serving: self._begin(serving, router, engines))

    def _begin(self, serving: Serving, router: str, engines: Engines) -> tuple[asyncio.AbstractEventLoop, RouterWatch, object]:
        """On the gateway's loop, which ends what is started here."""
        serving.session.on_step(self._log.add)
        watch = RouterWatch(router, engines, serving.gateway.workers)
        loop = asyncio.get_running_loop()
        return loop, watch, loop.create_task(watch.follow(), name="thunderagent-slime-router")

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return not self._loop.is_closed()

    def args_for(self, args: Namespace, program_id: str) -> Namespace:
        """With the gateway in the router's place."""
        return args_of(args, program_id, self._ip, self._port)

    def enter(self, program_id: str) -> None:
        """One that comes back goes on where it was."""
        self._running.add(program_id)
        self._kept.discard(program_id)

    async def leave(self, program_id: str, *, comes_back: bool) -> None:
        """Released, unless it comes back."""
        if comes_back:
            self._kept.add(program_id)
            self._running.discard(program_id)
        else:
            self._tell(lambda serving: self._release(serving, program_id))

    def _release(self, serving: Serving, program_id: str) -> None:
        """At no moment is it known to the scheduler and nobody's: a step of others may end just then (fully-async)."""
        serving.session.runtime.release(program_id)
        self._running.discard(program_id)

    def interrupt(self, aborted: bool) -> None:
        """Held turns of training, and those that arrive, are answered as aborted until it is over."""
        if aborted:
            self._tell(lambda serving: serving.gateway.interruptions.begin(TRAIN))
        else:
            self._tell(lambda serving: serving.gateway.interruptions.end(TRAIN))

    def begin_step(self) -> None:
        """See whether engines were started anew since the last one."""
        asyncio.run_coroutine_threadsafe(self._watch.look(), self._loop).result(REFRESH_S)

    def end_step(self, phase: str) -> dict[str, float]:
        """Nothing of the step is left then but what comes back, or runs still (fully-async)."""
        return self._gateway.call(lambda serving: self._end_step(serving, phase))

    def _end_step(self, serving: Serving, phase: str) -> dict[str, float]:
        runtime = serving.session.runtime
        known = [program for program in runtime.scheduler.programs if program.startswith(phase)]
        strays = [program for program in known if program not in self._running and program not in self._kept]
        for program in strays:
            logger.warning("program %s was left behind by its sample; it is released", program)
            runtime.release(program)
        self._kept.intersection_update(runtime.scheduler.programs)
        kept = sum(program.startswith(phase) for program in tuple(self._kept))
        return self._log.take(phase, runtime) | self.notes.take(phase) | {"programs_left": len(strays), "programs_kept": kept}

    def close(self) -> None:
        """Whatever still waits is given up."""
        self._gateway.stop()

    def _tell(self, function: Callable[[Serving], object]) -> None:
        """Some time soon, in the order in which it was told; before any request that is sent from now on."""

        def run() -> None:
            function(self._gateway.serving)

        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError:  # it has ended
            logger.debug("the gateway has ended")


def gateway_settings(ip: str) -> GatewaySettings:
    """slime waits for ever, and tries what was refused again once a second: nothing is refused here for taking long."""
    return GatewaySettings(
        host=ip, port=0, max_wait_s=None, max_queue=None, timeout_s=DAY_S, max_body_bytes=1 << 30, max_held_bytes=1 << 38,
        drain_s=0.0, keep_profiles=0, metrics=False,
    )  # fmt: skip
