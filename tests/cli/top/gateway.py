"""Management of a gateway on a real port, in a thread, which can be taken away and come back."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from tests.adapters.gateway.manage.support import Gateway


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """``with Served(port, gateway):`` serves until the end of the block, streams and all."""

    def __init__(self, port: int, make: Callable[[], Gateway] = Gateway) -> None:
        self._config: dict[str, Any] = {"host": "127.0.0.1", "port": port, "log_level": "warning", "lifespan": "off"}
        self._make = make
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._server is not None
        self._gateway.draining = True
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._gateway = self._make()
        self._server = uvicorn.Server(uvicorn.Config(self._gateway.app(), **self._config, timeout_graceful_shutdown=2))
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has nothing to wait on
            await asyncio.sleep(0.01)
        self._ready.set()
        await serving
