"""A gateway in a thread of its own, for hosts that keep their loop for themselves: rollout workers of RL frameworks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import uvloop

from thunderagent.adapters.engines.detect import AUTO
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.serving import Serving

T = TypeVar("T")


class EmbeddedGateway:
    """Started once, from any thread; everything of it lives on its own loop, which ``call`` reaches."""

    def __init__(
        self,
        config: ThunderConfig,
        settings: GatewaySettings,
        urls: Sequence[str],
        engine_type: str = AUTO,
        *,
        group_of: Callable[[str], str] | None = None,
    ) -> None:
        """Nothing runs yet. The arguments are those of ``Serving``."""
        self.url = ""
        """Of the gateway, once it is started."""
        self._make = lambda: Serving(config, settings, urls, engine_type, group_of=group_of)
        self._thread = threading.Thread(target=self._run, name="thunderagent-gateway", daemon=True)
        self._ready: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._serving: Serving | None = None

    @property
    def serving(self) -> Serving:
        """Session and gateway. To be touched on their loop only: ``call``."""
        assert self._serving is not None, "it was started"
        return self._serving

    def start(self) -> str:
        """Its URL, once it accepts connections.

        Raises:
            Exception: whatever kept it from starting, as ``serving.serve``.
        """
        self._thread.start()
        self.url = self._ready.result()
        return self.url

    def call(self, function: Callable[[Serving], T]) -> T:
        """Call it on the gateway's loop, and wait for what it returns or raises. Not from that loop."""
        assert self._loop is not None, "it was started"
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(function(self.serving))
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    def stop(self) -> None:
        """End it; requests that run have ``settings.drain_s``. May be called again."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._serving = self._make()
        await self._serving.run(self._ready.set_result, self._stop)
