"""For whoever writes agents: a program, its sandboxes and its ports, over a gateway or in the same process.

    async with Program("run-1", "http://localhost:8300") as program:
        async with program.sandbox(image="python:3.12") as sandbox:
            output = await sandbox.execute("pytest -q", timeout_s=60)

``SyncProgram`` is the same without ``await``. Errors are those of ``thunderagent.errors.SandboxError``.
"""

from thunderagent.client.http import HttpTools
from thunderagent.client.local import LocalTools
from thunderagent.client.program import LocalProgram, Program, Sandbox
from thunderagent.client.sync import SyncProgram, SyncSandbox
from thunderagent.client.tools import Tools, Wanted
from thunderagent.runtime.tools import Output, SandboxView

__all__ = [
    "HttpTools",
    "LocalProgram",
    "LocalTools",
    "Output",
    "Program",
    "Sandbox",
    "SandboxView",
    "SyncProgram",
    "SyncSandbox",
    "Tools",
    "Wanted",
]
