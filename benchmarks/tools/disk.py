"""How much disk images take under a budget, by the container engine's own account."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import aiodocker

from benchmarks.report import Figure
from benchmarks.tools.containers import Containers
from thunderagent.adapters.tools import open_tools
from thunderagent.runtime.tools import Command, SandboxRequest
from thunderagent.tools_config import ToolsConfig

IMAGES, FIT = 40, 10
MEGABYTES = 8
"""Of each image, of its own."""
PROGRAMS_AT_ONCE = 4
LOOK_S = 0.02
"""Between two looks at the disk; a pull takes ten times as long."""


@dataclass
class Disk:
    """What was seen of the images of a registry."""

    names: frozenset[str]
    peak_bytes: int = 0
    largest_bytes: int = 0
    most_images: int = 0
    looks: int = 0
    seen: set[str] = field(default_factory=set)

    async def watch(self, url: str) -> None:
        """Until it is cancelled."""
        async with aiodocker.Docker(url=url) as docker:
            while True:
                with contextlib.suppress(aiodocker.DockerError):  # podman cannot list images while one is being removed
                    self._look(await self._sizes(docker))
                await asyncio.sleep(LOOK_S)

    def _look(self, sizes: dict[str, int]) -> None:
        self.looks += 1
        self.seen |= sizes.keys()
        self.peak_bytes = max(self.peak_bytes, sum(sizes.values()))
        self.largest_bytes = max(self.largest_bytes, *sizes.values(), 0)
        self.most_images = max(self.most_images, len(sizes))

    async def _sizes(self, docker: aiodocker.Docker) -> dict[str, int]:
        listed: list[Any] = await docker.images.list()
        return {name: image["Size"] for image in listed for name in image["RepoTags"] or () if name in self.names}


async def measure(containers: Containers) -> dict[str, Figure]:
    """Each program uses another image."""
    names = await asyncio.to_thread(containers.publish, [f"bench/image-{number}:1" for number in range(IMAGES)], MEGABYTES)
    budget_bytes = FIT * (MEGABYTES << 20)
    tools = open_tools(ToolsConfig(backend="docker", docker_url=containers.url, max_disk_bytes=budget_bytes))
    disk = Disk(frozenset(names))
    await tools.start()
    watching = asyncio.create_task(disk.watch(containers.url))
    gate = asyncio.Semaphore(PROGRAMS_AT_ONCE)

    async def program(image: str) -> None:
        async with gate:
            sandbox = await tools.acquire(image, SandboxRequest(image=image))
            await tools.execute(image, sandbox.id, Command("true"))
            tools.program_over(image)

    await asyncio.gather(*map(program, names))
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    for name in names:
        await tools.backend.remove_image(name)
    await tools.close()
    return {
        "disk_peak_over_budget": Figure((disk.peak_bytes - budget_bytes) / disk.largest_bytes, "images", at_most=1),
        "disk_peak": Figure(disk.peak_bytes / (1 << 20), "MiB"),
        "disk_budget": Figure(budget_bytes / (1 << 20), "MiB"),
        "images_used": Figure(len(disk.seen), "images", at_least=IMAGES),
        "images_at_once": Figure(disk.most_images, "images"),
        "looks_at_the_disk": Figure(disk.looks, "looks"),
    }
