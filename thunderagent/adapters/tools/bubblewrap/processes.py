"""Local processes, run to their end: with less output than they please, and not longer than they may."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping

from thunderagent.adapters.tools.clipped import Clipped
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Output

CHUNK_BYTES = 1 << 16
"""As much as a pipe holds."""


async def run(
    *words: str,
    environment: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    running: set[Process] | None = None,
) -> Output:
    """What came of a process; it does not outlive this call, however that ends.

    Args:
        words: the program and its arguments.
        environment: None: ours.
        timeout_s: after this it is killed.
        running: has it while it runs, so that it can be killed.

    Raises:
        SandboxProblem: it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment)
    except (OSError, ValueError) as error:  # such as a command that is too long, or has a NUL in it
        raise SandboxProblem(f"{words[0]} cannot be started: {error}") from None
    running = running if running is not None else set()
    running.add(process)
    written, exit_code = Clipped(), None
    try:
        async with asyncio.timeout(timeout_s):
            await _read(process, written)
            exit_code = _exit_code(await process.wait())
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            kill(process)
            await _read(process, written)
            await process.wait()
        running.discard(process)
    return Output(written.text, exit_code, written.truncated)


def kill(process: Process) -> None:
    """At once. Nothing happens if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _read(process: Process, written: Clipped) -> None:
    assert process.stdout is not None, "it is a pipe"
    while data := await process.stdout.read(CHUNK_BYTES):
        written.add(data)


def _exit_code(returned: int) -> int:
    """As shells have it for processes that were killed."""
    return returned if returned >= 0 else 128 - returned
