"""Local processes, run to their end: with less output than they please, and not longer than they may."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

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
    process = await _start(words, environment)
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
        await _end(process, written)
        running.discard(process)
    return Output(written.text, exit_code, written.truncated)


def kill(process: Process) -> None:
    """At once, with its process group. Nothing happens if it has ended.

    Its group, since what bwrap has just forked does not yet die with it.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def kill_strays(folder: Path) -> None:
    """End sandboxes of this folder that nobody watches: their owner was killed while bwrap started. Looks at all processes."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "bwrap" and str(folder) in (process.info["cmdline"] or ()):
            with contextlib.suppress(psutil.Error):
                process.kill()


async def _start(words: Sequence[str], environment: Mapping[str, str] | None) -> Process:
    """In a session, and so a process group, of its own. Who is cancelled waits until it can be killed."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment, start_new_session=True)
    )
    try:
        return await asyncio.shield(starting)
    except (OSError, ValueError) as error:  # such as a command that is too long, or has a NUL in it
        raise SandboxProblem(f"{words[0]} cannot be started: {error}") from None
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if starting.exception() is None:
            await _end(starting.result(), Clipped())
        raise


async def _end(process: Process, written: Clipped) -> None:
    if process.returncode is None:
        kill(process)
        await _read(process, written)
        await process.wait()


async def _read(process: Process, written: Clipped) -> None:
    assert process.stdout is not None, "it is a pipe"
    while data := await process.stdout.read(CHUNK_BYTES):
        written.add(data)


def _exit_code(returned: int) -> int:
    """As shells have it for processes that were killed."""
    return returned if returned >= 0 else 128 - returned
