"""A gateway with a store and tools that is killed while programs have sandboxes: what each kind of backend must hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.fake_engine import FakeEngine
from tests.adapters.gateway.reliability.process import Process, process
from tests.adapters.gateway.reliability.test_process import engine_with


class Agents:
    """Over HTTP."""

    def __init__(self, gateway: Process, http: aiohttp.ClientSession) -> None:
        self.gateway, self._http = gateway, http

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self._http.request(method, f"http://127.0.0.1:{self.gateway.port}{path}", json=body) as answer:
            told = await answer.json()
            assert answer.status == status, told
            return told

    async def sandbox(self, program_id: str, **wanted: Any) -> str:
        told: str = (await self.ask("POST", f"/programs/{program_id}/tools", wanted))["sandbox_id"]
        return told

    async def sandboxes(self, program_id: str) -> list[str]:
        return [one["id"] for one in (await self.ask("GET", f"/programs/{program_id}/tools"))["sandboxes"]]

    async def sh(self, program_id: str, sandbox_id: str, line: str) -> str:
        told = await self.ask("POST", f"/programs/{program_id}/tools/{sandbox_id}/exec", {"command": line})
        assert told["exit_code"] == 0, told
        output: str = told["output"]
        return output

    async def release(self, program_id: str) -> None:
        await self.ask("POST", "/programs/release", {"program_id": program_id})

    async def kill_and_restart(self) -> None:
        await self.gateway.kill()
        await self.gateway.start()


@asynccontextmanager
async def agents(folder: Path, *options: str) -> AsyncIterator[Agents]:
    """Before a gateway with a store in this folder, and one engine."""
    engine: FakeEngine = await engine_with(answers)
    options = ("--backends", engine.url, "--store", str(folder / "state.db"), "--tools-ports", "20000-20001", *options)
    async with process(*options, log=folder / "log") as gateway, aiohttp.ClientSession() as http:
        yield Agents(gateway, http)
    engine.die()


async def programs_keep_their_sandboxes(
    here: Agents, wanted: dict[str, Any], names: Callable[[], Awaitable[set[str]]], leave_orphan: Callable[[str], Awaitable[None]]
) -> None:
    """``names``: of all sandboxes that there are; ``leave_orphan`` makes one like this that no program has."""
    before = await names()
    kept = await here.sandbox("agent/1", **wanted)
    given_back = await here.sandbox("agent/1", **wanted)
    over = await here.sandbox("agent/2", **wanted)
    assert (await here.ask("POST", "/programs/agent/1/ports"))["port"] == 20_000
    await here.sh("agent/1", kept, "echo precious > file")
    await here.release("agent/2")
    await here.gateway.kill()
    await leave_orphan(kept)
    await here.gateway.start()
    assert await here.sandboxes("agent/1") == [kept, given_back]
    assert await here.sandboxes("agent/2") == []
    assert await here.sh("agent/1", kept, "cat file") == "precious\n"
    assert (await here.ask("POST", "/programs/agent/3/ports"))["port"] == 20_001, "the first is taken still"
    await eventually(names, before | {kept, given_back})
    assert over not in await names()
    await here.ask("DELETE", f"/programs/agent/1/tools/{given_back}")
    await here.kill_and_restart()
    assert await here.sandboxes("agent/1") == [kept]
    assert await here.sandbox("agent/4", **wanted) != kept
    await here.release("agent/1")
    await here.release("agent/4")
    await eventually(names, before)


async def eventually(names: Callable[[], Awaitable[set[str]]], expected: set[str]) -> None:
    """No event tells of removals."""
    async with asyncio.timeout(30):
        while (there := await names()) != expected:
            assert there >= expected, f"{expected - there} should be there still"
            await asyncio.sleep(0.05)
