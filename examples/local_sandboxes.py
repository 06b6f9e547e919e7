"""Sandboxes for machines without bubblewrap: a folder each, and nothing between its commands and the machine.

Also the shortest backend of one's own: ``thunderagent serve --tools examples.local_sandboxes:LocalSandboxes``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

from thunderagent.runtime.tools import Command, Labels, Output, SandboxRequest


class LocalSandboxes:
    """What ``--tools module:name`` asks for."""

    async def create(self, request: SandboxRequest, labels: Labels) -> Path:
        """A folder, with a copy of the request's image in it, if that is one."""
        folder = Path(tempfile.mkdtemp(prefix="thunderagent-sandbox-"))
        if request.image:
            await asyncio.to_thread(shutil.copytree, request.image, folder, symlinks=True, dirs_exist_ok=True)
        return folder

    async def execute(self, folder: Path, command: Command) -> Output:
        """Run it in the folder, with all that it starts in a group of its own, which ends with it."""
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command.line),
            cwd=folder / command.workdir.lstrip("/"),
            env={**os.environ, **command.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(command.timeout_s):
                text, _ = await process.communicate()
        except TimeoutError:
            return Output("", None)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return Output(text.decode(errors="replace"), process.returncode)

    async def remove(self, folder: Path) -> None:
        """With all that was done in it."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
