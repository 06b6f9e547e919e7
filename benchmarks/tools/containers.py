"""The container engine of a measurement, and what is there by its own account."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiodocker

from benchmarks.served_engine import ROOT
from thunderagent.runtime.tools.backend import OWNER

SCRIPT = ROOT / "scripts" / "real-containers"
IMAGE = "localhost/busybox:1"
"""That the script makes."""


@dataclass(frozen=True, slots=True)
class Containers:
    """An engine and its registry."""

    url: str

    def publish(self, names: list[str], megabytes: int) -> list[str]:
        """Images in the registry, each of so many megabytes of its own: their whole names."""
        command = [str(SCRIPT), "publish", *names, "--megabytes", str(megabytes)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def running() -> Iterator[Containers]:
    """Started, and stopped at the end.

    Raises:
        SystemExit: it cannot run here; the message says why.
    """
    made = subprocess.run([str(SCRIPT), "setup"], check=False, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        raise SystemExit(made.returncode)
    exported = [shlex.split(line)[1].split("=", 1) for line in made.stdout.splitlines() if line.startswith("export ")]
    os.environ.update(dict(exported))
    try:
        yield Containers(os.environ["DOCKER_HOST"])
    finally:
        subprocess.run([str(SCRIPT), "stop"], check=False)


async def sandboxes(docker: aiodocker.Docker) -> list[str]:
    """Names of all containers with our label."""
    listed: list[Any] = await docker.containers.list(all=True, filters={"label": [OWNER]})
    return [container["Names"][0].removeprefix("/") for container in listed]
