"""Sandboxes that outlive their gateway: how long a start takes with many, and what it costs that each is durable."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure
from thunderagent.adapters.store import SqliteStore
from thunderagent.adapters.tools.owner import new_owner_id
from thunderagent.core import ThunderPolicy
from thunderagent.runtime import Runtime
from thunderagent.runtime.keeper import Keeper
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest, ToolHost

SANDBOXES, EACH = 1_000, 2
"""Of each program; one machine hardly runs more containers."""
IMAGE = SandboxRequest(image="python:3.12", setup="pip install -q pytest", memory_bytes=1 << 30)


class AtOnce:
    """A backend that takes no time, so that ours is seen."""

    name = "docker"

    def __init__(self) -> None:
        self.existing: dict[str, Labels] = {}

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        self.existing[sandbox_id] = labels
        return Made(0, 0)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        return Output("", 0)

    async def remove(self, sandbox_id: str) -> None:
        self.existing.pop(sandbox_id, None)

    async def attach(self, name: str) -> str:
        return name

    async def found(self) -> list[Found]:
        return [Found(name, labels, 0) for name, labels in self.existing.items()]

    async def images(self) -> dict[str, int]:
        return {}

    async def remove_image(self, image: str) -> bool:
        return True

    async def close(self) -> None: ...


def measure(quick: bool) -> dict[str, Figure]:
    """All in one process, before an SQLite file."""
    sandboxes = SANDBOXES // 10 if quick else SANDBOXES
    with tempfile.TemporaryDirectory(prefix="leases-bench-") as folder:
        return asyncio.run(_measured(Path(folder) / "store.db", sandboxes))


async def _measured(path: Path, sandboxes: int) -> dict[str, Figure]:
    backend = AtOnce()
    without = ToolHost(backend, new_owner_id())
    plain_s = await _acquire(without, sandboxes)
    backend.existing.clear()
    store, keeper, tools = await _open(path, backend)
    kept_s = await _acquire(tools, sandboxes)
    names = set(backend.existing)
    keeper.close()
    backend.existing["nobody's"] = {"thunderagent.owner": store.owner_id}
    began_s = time.perf_counter()
    _, keeper, tools = await _open(path, backend)
    took_s = time.perf_counter() - began_s
    await asyncio.sleep(0)
    there = {view.id for number in range(sandboxes // EACH) for view in tools.of_program(f"p{number}")}
    counted = tools.snapshot()["sandboxes"]
    keeper.close()
    return {
        "sandboxes_recovered": Figure(len(names & there), ""),
        "sandboxes_lost_or_doubled": Figure(len(names ^ there) + abs(counted - len(names)), "", at_most=0),
        "orphans_left": Figure(len(set(backend.existing) - names), "", at_most=0),
        f"recovery_of_{sandboxes}_sandboxes": Figure(took_s, "s"),
        "sandbox_made_durable": Figure((statistics.median(kept_s) - statistics.median(plain_s)) * 1e3, "ms"),
    }


async def _open(path: Path, backend: AtOnce) -> tuple[SqliteStore, Keeper, ToolHost]:
    """As ``Session`` does it."""
    store, runtime = SqliteStore(path), Runtime(ThunderPolicy())
    tools, keeper = ToolHost(backend, new_owner_id()), Keeper(runtime, store)
    keeper.follow(tools.book, tools.outlive(store.owner_id, keeper))
    remembered = await keeper.load()
    await keeper.recover(remembered)
    tools.recover(remembered.leases)
    await tools.start()
    return store, keeper, tools


async def _acquire(tools: ToolHost, sandboxes: int) -> list[float]:
    """One after the other: how long each took."""
    took_s = []
    for number in range(sandboxes):
        began_s = time.perf_counter()
        await tools.acquire(f"p{number // EACH}", IMAGE)
        took_s.append(time.perf_counter() - began_s)
    return took_s
