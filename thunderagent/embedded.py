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
from thunderagent.errors import ContractError
from thunderagent.serving import Serving, check_ports
from thunderagent.tools_config import ToolsConfig

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
        tools: ToolsConfig | None = None,
    ) -> None:
        """Nothing runs yet. The arguments are those of ``Serving``."""
        self.url = ""
        """Of the gateway, once it is started."""
        self._settings = settings
        self._make: Callable[[], Serving] = lambda: Serving(config, settings, urls, engine_type, group_of=group_of, tools=tools)
        self._thread = threading.Thread(target=self._run, name="thunderagent-gateway", daemon=True)
        self._ready: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._lock = threading.Lock()
        self._runs = False
        """Changed and relied on under the lock: what was handed to the loop while it ran is called before it closes."""
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
            ConfigError: a port cannot be listened on.
            Exception: whatever else kept it from starting.
        """
        check_ports(self._settings)
        self._thread.start()
        self.url = self._ready.result()
        return self.url

    def call(self, function: Callable[[Serving], T]) -> T:
        """Call it on the gateway's loop, and wait for what it returns or raises. Not from that loop.

        Raises:
            ContractError: the gateway does not run, or not any more.
        """
        assert threading.current_thread() is not self._thread, "it would wait for itself"
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(function(self.serving))
            except BaseException as error:
                done.set_exception(error)

        with self._lock:
            if not self._runs or self._loop is None:
                raise ContractError("the gateway does not run")
            self._loop.call_soon_threadsafe(run)
        return done.result()

    def stop(self) -> None:
        """End it; requests that run have ``settings.drain_s``. May be called again."""
        with self._lock:
            if self._runs and self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            ended = ContractError("the gateway ended while it started; its log says why")  # uvicorn calls sys.exit
            self._ready.set_exception(error if isinstance(error, Exception) else ended)
        if not self._ready.done():
            self._ready.set_exception(ContractError("the gateway was stopped before it was ready"))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._serving = self._make()
        self._runs = True
        try:
            await self._serving.run(self._ready.set_result, self._stop)
        finally:
            with self._lock:
                self._runs = False
