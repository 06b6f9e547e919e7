"""The gateway, wired: a session (policy, runtime, engine watch, profiles) behind the HTTP server, as one process."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import socket
from collections.abc import Callable, Sequence

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.gateway import Gateway
from thunderagent.adapters.gateway.server import Served, run
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.skyrl.programs import group_of as skyrl_group_of
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.session import Session

OnReady = Callable[[str, Sequence[EngineStatus]], None]
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
) -> None:
    """Serve until SIGTERM or SIGINT has come and the requests that ran have ended.

    Args:
        urls: base URLs of the engines; those that do not answer yet join when they do.
        engine_type: ``vllm``, ``sglang`` or ``skyrl``, whose session ids tell the prompt group.
        on_ready: called with the gateway's URL, and how the engines stand, once it accepts connections.

    Raises:
        ConfigError: a port cannot be listened on.
    """
    import uvloop

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # what it tells of its start is told better by on_ready
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for port, key in ((settings.port, "port"), (settings.admin_port, "admin_port")):
        if port:
            _check_free(settings.host, port, key)
    _spare_the_memory_manager()
    uvloop.run(serve_on_loop(config, settings, urls, engine_type, on_ready))


async def serve_on_loop(
    config: ThunderConfig, settings: GatewaySettings, urls: Sequence[str], engine_type: str, on_ready: OnReady
) -> None:
    """The same on a loop that runs already."""
    session = Session(config, urls)
    group_of = skyrl_group_of if engine_type == "skyrl" else None
    gateway = Gateway(
        *(session.runtime, session.engines, settings, config.mode, group_of), names_sessions=config.kv_events is not None
    )
    session.listen(gateway)
    session.on_step(gateway.took_step)
    await session.start(required=False)
    try:
        served = Served(gateway.short_way, gateway.app, gateway.admin, gateway.begin_drain)
        await run(served, settings, lambda port: on_ready(f"http://{_shown(settings.host)}:{port}", session.engines.statuses))
    finally:
        await gateway.close()
        await session.stop()


def _spare_the_memory_manager() -> None:
    """Collect garbage seldom, and keep freed memory: given back after each long body, it would be mapped and cleared anew."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    with contextlib.suppress(OSError, AttributeError):  # not every C library has mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _check_free(host: str, port: int, key: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(key, port, f"cannot be listened on at {host} ({error.strerror}); choose another") from None
