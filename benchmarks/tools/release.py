"""How long a container outlives its program."""

from __future__ import annotations

import statistics
import time

import aiodocker

from benchmarks.report import Figure
from benchmarks.tools.containers import IMAGE, Containers, sandboxes
from thunderagent.adapters.tools import open_tools
from thunderagent.runtime.tools import SandboxRequest
from thunderagent.tools_config import ToolsConfig

PROGRAMS = 20
AT_MOST_S = 1.0


async def measure(containers: Containers) -> dict[str, Figure]:
    """One program after the other."""
    tools = open_tools(ToolsConfig(backend="docker", docker_url=containers.url))
    took_s: list[float] = []
    async with aiodocker.Docker(url=containers.url) as docker:
        await tools.start()
        for number in range(PROGRAMS):
            sandbox = await tools.acquire(f"p{number}", SandboxRequest(image=IMAGE))
            began_s = time.monotonic()
            tools.program_over(f"p{number}")
            while sandbox.id in await sandboxes(docker):
                pass  # a look takes some milliseconds
            took_s.append(time.monotonic() - began_s)
        await tools.close()
    return {
        "release_worst": Figure(max(took_s), "s", at_most=AT_MOST_S),
        "release_median": Figure(statistics.median(took_s), "s"),
    }
