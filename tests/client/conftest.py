"""A real gateway with sandboxes in bubblewrap, in a thread of its own; and the same sandboxes without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.adapters.gateway.clients.running import embedded_engine
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.tools import open_tools
from thunderagent.adapters.tools.bubblewrap import why_not
from thunderagent.client import LocalProgram, Program
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.tools_config import ToolsConfig

Programs = Callable[[str], Program | LocalProgram]
Opened = Callable[[], AbstractAsyncContextManager[Programs]]
PORT = 20_007
"""The only one that there is to lease."""


def settings(folder: Path) -> ToolsConfig:
    if problem := why_not():
        pytest.skip(problem)
    return ToolsConfig(backend="bubblewrap", folder=str(folder), setup=":", ports=str(PORT))


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedGateway]:
    tools = settings(tmp_path_factory.mktemp("sandboxes"))
    with embedded_engine() as engine:
        here = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0, drain_s=0), [engine], tools=tools)
        here.start()
        try:
            yield here
        finally:
            here.stop()


@pytest.fixture(params=["gateway", "local"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """To be opened on the test's loop: makes programs of either kind."""

    @asynccontextmanager
    async def local() -> AsyncIterator[Programs]:
        host = open_tools(settings(tmp_path))
        try:
            yield lambda program_id: LocalProgram(program_id, host)
        finally:
            await host.close()

    @asynccontextmanager
    async def over_http() -> AsyncIterator[Programs]:
        url = request.getfixturevalue("gateway").url
        yield lambda program_id: Program(program_id, url)

    return local if request.param == "local" else over_http


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """On a loop of its own."""

    async def main() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(main())
