"""Containers that are made and dropped while things fail and their owner is killed: what is left?"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import aiodocker

from benchmarks.report import Figure
from benchmarks.tools.containers import IMAGE, Containers, sandboxes

CONTAINERS = 500
KILLED_AT = CONTAINERS // 2
BYSTANDER = "not-of-thunderagent"


def measure(containers: Containers) -> dict[str, Figure]:
    """Half of them by an owner that is killed, half by the next."""
    asyncio.run(_bystander(containers, there=True))
    first = _owner(containers, "first", KILLED_AT, killed=True)
    left_by_the_first = asyncio.run(_left(containers))
    second = _owner(containers, "second", CONTAINERS - first["made"], killed=False)
    left = asyncio.run(_left(containers))
    untouched = asyncio.run(_bystander(containers, there=False))
    return {
        "containers_left": Figure(left, "containers", at_most=0),
        "containers_left_by_the_killed_owner": Figure(left_by_the_first, "containers"),
        "containers_made": Figure(first["made"] + second["made"], "containers", at_least=CONTAINERS),
        "failures_injected": Figure(first["failed"] + second["failed"], "failures"),
        "others_containers_touched": Figure(0 if untouched else 1, "containers", at_most=0),
    }


def _owner(containers: Containers, name: str, count: int, *, killed: bool) -> dict[str, int]:
    """Runs until it has made so many; what it told last."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.tools.owner",
        containers.url,
        name,
        str(count),
        *(["for-ever"] if killed else []),
    ]
    made = failed = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            made, failed = map(int, line.split())
            if killed and made >= count:
                process.send_signal(signal.SIGKILL)
                break
    if not killed and process.returncode:
        raise SystemExit(f"error: the owner ended with {process.returncode}")
    return {"made": made, "failed": failed}


async def _left(containers: Containers) -> int:
    async with aiodocker.Docker(url=containers.url) as docker:
        return len(await sandboxes(docker))


async def _bystander(containers: Containers, *, there: bool) -> bool:
    """A container of somebody else: made, or looked at and removed."""
    async with aiodocker.Docker(url=containers.url) as docker:
        if there:
            made = await docker.containers.create({"Image": IMAGE, "Cmd": ["sleep", "100000"]}, name=BYSTANDER)
            await made.start()
            return True
        container = docker.containers.container(BYSTANDER)
        runs = bool((await container.show())["State"]["Running"])
        await container.delete(force=True)
        return runs
