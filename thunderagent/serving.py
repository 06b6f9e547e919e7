"""The gateway, wired: a session (policy, runtime, engine watch, profiles) behind the HTTP server, as one process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from thunderagent import logs
from thunderagent.adapters.engines.backend_ids import split
from thunderagent.adapters.engines.detect import AUTO
from thunderagent.adapters.engines.engine import Engine
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Reading
from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.gateway import Gateway
from thunderagent.adapters.gateway.routes import AbortCall, Route
from thunderagent.adapters.gateway.server import Served, run
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.trajectory_ids import group_of as skyrl_group_of
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.session import Session
from thunderagent.tools_config import ToolsConfig

if TYPE_CHECKING:
    from thunderagent.adapters.otel.tracing import TurnTracing

OnReady = Callable[[str, Sequence[EngineStatus]], None]
PRIORITY_SIGNS = {PriorityOrder.LOWER_FIRST: 1, PriorityOrder.HIGHER_FIRST: -1, None: 0}
"""To what the scheduler counts, lower first."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
KEPT_BYTES = 256 << 20
"""Of free memory, at most: some tens of long contexts on their way."""
LARGEST_KEPT_BYTES = 32 << 20
"""The most that glibc allows: longer bodies are mapped one by one, as ever."""
YOUNG_OBJECTS = 50_000
"""Between two looks for garbage cycles: a request makes hundreds of objects and no cycle, and default looks come every few."""


def serve(
    config: ThunderConfig,
    settings: GatewaySettings,
    urls: Sequence[str],
    engine_type: str,
    *,
    log_level: str,
    on_ready: OnReady,
    log_format: str = logs.LOG_FORMAT,
    tools: ToolsConfig | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT has come and the requests that ran have ended.

    Args:
        urls: base URLs of the engines; those that do not answer yet join when they do.
        engine_type: ``vllm``, ``sglang`` or ``skyrl``, whose session ids tell the prompt group; ``auto``: each engine shows it.
        log_level: one of ``logs.LOG_LEVELS``.
        log_format: one of ``logs.LOG_FORMATS``.
        tools: of tool environments; None: there are none.
        on_ready: called with the gateway's URL, and how the engines stand, once it accepts connections.

    Raises:
        ConfigError: a port cannot be listened on.
    """
    import uvloop

    logs.set_up(log_level, log_format)
    check_ports(settings)
    spare_the_memory_manager()
    uvloop.run(serve_on_loop(config, settings, urls, engine_type, on_ready, tools=tools))


async def serve_on_loop(
    config: ThunderConfig,
    settings: GatewaySettings,
    urls: Sequence[str],
    engine_type: str,
    on_ready: OnReady,
    *,
    tools: ToolsConfig | None = None,
) -> None:
    """The same on a loop that runs already."""
    serving = Serving(config, settings, urls, engine_type, tools=tools)
    await serving.run(lambda url: on_ready(url, serving.session.engines.statuses))


class Serving:
    """A session and its gateway; made and run on one loop."""

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
        """Nothing runs yet. The arguments are those of ``serve``.

        ``group_of``: the RL prompt group that a program's id tells of, else as for ``engine_type``.
        """
        kind = None if engine_type == AUTO else EngineKind(engine_type)
        self.settings = settings
        self.session = Session(config, urls, kind=kind, per_rank=True, tools=tools)
        self._tracing = open_turn_tracing() if settings.otel else None
        self.group_of = group_of or (skyrl_group_of if engine_type == "skyrl" else None)
        self.route_of = Routes(self.session.engines)
        self.gateway = Gateway(
            *(self.session.runtime, self.session.engines, settings, config.mode),
            group_of=self.group_of,
            route_of=self.route_of,
            names_sessions=config.kv_events is not None,
            tools=self.session.tools,
            tracing=self._tracing,
        )
        self.session.listen(self.gateway)
        self.session.on_step(self.gateway.took_step)
        self.session.on_sandbox(self.gateway.took_sandbox)

    async def run(
        self,
        on_ready: Callable[[str], None],
        stop: asyncio.Event | None = None,
        *,
        listening: socket.socket | None = None,
        beside: contextlib.AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        """Serve until ``stop`` is set or, in the main thread, a signal has come. ``on_ready`` gets the URL.

        ``listening``: bound to the port already. ``beside``: entered once the engines were looked at.
        """
        await self.session.start(required=False)
        served = Served(self.gateway.short_way, self.gateway.app, self.gateway.admin, self.gateway.begin_drain)
        host = shown_host(self.settings.host)
        try:
            async with beside or contextlib.nullcontext():
                await run(served, self.settings, lambda port: on_ready(f"http://{host}:{port}"), stop, listening=listening)
        finally:
            await self.gateway.close()
            await self.session.stop()
            if self._tracing is not None:
                await asyncio.to_thread(self._tracing.close)


def open_turn_tracing() -> TurnTracing:
    """Spans of turns, by OpenTelemetry's own variables."""
    from thunderagent.adapters.otel import open_tracing

    return open_tracing()


class Seen(Protocol):
    """What the engine watch has seen of engines."""

    def reading(self, url: str) -> Reading | None: ...
    def engine(self, url: str) -> Engine | None: ...


class Routes:
    """The way to each backend, by what its engine told last. Asked for each try."""

    def __init__(self, engines: Seen) -> None:
        self._engines = engines
        self._known: dict[str, tuple[Engine | None, PriorityOrder | None, Route]] = {}

    def __call__(self, backend: str) -> Route:
        """Known ones are made anew only when an engine tells something else."""
        url, rank = split(backend)
        engine, reading = self._engines.engine(url), self._engines.reading(url)
        order = reading.priority if reading is not None else None
        known = self._known.get(backend)
        if known is None or known[0] is not engine or known[1] is not order:
            route = Route(url, rank, PRIORITY_SIGNS[order], _abort_of(engine))
            known = self._known[backend] = engine, order, route
        return known[2]


def _abort_of(engine: Engine | None) -> Callable[[str], AbortCall] | None:
    """How a request with an id of ours is aborted; None: closing its connection does."""
    if engine is None or engine.abort("") is None:
        return None

    def abort(request_id: str) -> AbortCall:
        call = engine.abort(request_id)
        assert call is not None, "it aborts requests"
        return AbortCall(call.path.encode(), json.dumps(call.json).encode())

    return abort


def spare_the_memory_manager() -> None:
    """Collect garbage seldom, and keep freed memory: given back after each long body, it would be mapped and cleared anew."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    with contextlib.suppress(OSError, AttributeError):  # not every C library has mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)


def check_ports(settings: GatewaySettings) -> None:
    """Before anything is started: uvicorn would end the process.

    Raises:
        ConfigError: a port cannot be listened on.
    """
    for port, key in ((settings.port, "port"), (settings.admin_port, "admin_port")):
        if port:
            _check_free(settings.host, port, key)


def shown_host(host: str) -> str:
    """As it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _check_free(host: str, port: int, key: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(key, port, f"cannot be listened on at {host} ({error.strerror}); choose another") from None
