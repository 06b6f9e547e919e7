"""Where the commands of an attempt run, as environments of mini-swe-agent: in a sandbox of the tools, or as local processes."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from minisweagent.environments.local import LocalEnvironment

from recipes.skyrl_swe.repository import ENVIRONMENT, TESTBED, unpacking
from thunderagent.adapters.mini_swe import Sandboxes, ThunderEnvironment

COMMAND_TIMEOUT_S = 20
"""Commands of the tasks take well under a second; on a machine under heavy load they may take many times that."""


def in_sandbox(
    template: Path, *, sandboxes: Sandboxes, program_id: str, image: str, setup: str, start_s: float
) -> ThunderEnvironment:
    """One whose preparation begins now and takes so many seconds more than it really does.

    Without an image it is made from the repository itself, as bubblewrap can; else the repository is unpacked in it.
    """
    steps = [f"sleep {start_s:.3f}"] if start_s else []
    steps += [setup] if setup else []
    steps += [unpacking(template)] if image else []
    return ThunderEnvironment(
        sandboxes=sandboxes,
        program_id=program_id,
        image=image or str(template),
        setup=" && ".join(steps),
        cwd=TESTBED,
        env=ENVIRONMENT,
        interpreter=["bash", "-c"],
        timeout=COMMAND_TIMEOUT_S,
    )


class LocalProcesses(LocalEnvironment):
    """A copy of the repository, and nothing between its commands and this machine."""

    def __init__(self, template: Path, work_dir: Path) -> None:
        self._directory = Path(tempfile.mkdtemp(dir=work_dir, prefix=f"{template.name}-"))
        repository = shutil.copytree(template, self._directory / "testbed", symlinks=True)
        path = f"{Path(sys.base_prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        super().__init__(cwd=str(repository), env={**ENVIRONMENT, "PATH": path}, timeout=COMMAND_TIMEOUT_S)

    def execute(self, action: dict[str, Any], cwd: str = "", *, timeout: int | None = None) -> dict[str, Any]:
        """Run a command; what it calls the repository is the copy."""
        command = action["command"].replace(TESTBED, self.config.cwd)
        result: dict[str, Any] = super().execute({"command": f"exec bash -c {shlex.quote(command)}"}, cwd, timeout=timeout)
        return result

    def cleanup(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self._directory, ignore_errors=True)
