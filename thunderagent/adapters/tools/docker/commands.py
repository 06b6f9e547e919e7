"""Commands in containers: their output as it comes, and an end to all that they have started."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shlex
from typing import Any

from aiodocker import Docker
from aiodocker.execs import Exec

from thunderagent.adapters.tools.clipped import Clipped
from thunderagent.adapters.tools.docker.engine import Engine, EngineProblem
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Output

logger = logging.getLogger(__name__)
MARK = "THUNDERAGENT_COMMAND"
"""An environment variable, which all that a command starts inherits, in whatever session it is."""
KILL = """
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left=
  for process in /proc/[0-9]*; do
    if grep -qszF "$1" "$process/environ"; then left=1; kill -9 "${process#/proc/}" 2>/dev/null; fi
  done
  [ "$left" ] || exit 0
done
exit 1
"""
"""Until nothing with the mark is left: what forks meanwhile is found in the next round."""
NOT_SEEN = "its image lacks grep, or it has emptied its environment"
KILL_TIMEOUT_S = 15.0
"""A command in a container takes a tenth of a second; under load, some seconds."""
ENDS_S = 1.0
"""From when a command was killed to when the engine says so. Else it had not quite begun, and is killed again."""
KILLED = 137
"""128 + SIGKILL: a command that was killed, perhaps together with its container."""
FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.5
"""Between looks at whether a command has ended that has closed its output: some engines need a moment to know."""


class Commands:
    """Of all containers of one engine."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` runs them."""
        self._engine = engine
        self._killing: set[asyncio.Task[None]] = set()

    async def run(self, container: str, command: Command) -> Output:
        """Run it to its end, or kill it when its time is over or nobody waits for it any more.

        Raises:
            SandboxGone: the container is not there or does not run (any more).
            SandboxProblem: the engine failed, or the command could not be killed.
        """
        mark, output = f"{MARK}={secrets.token_hex(8)}", Clipped()
        try:
            started = await self._create(container, _line(command), {**command.environment, MARK: mark.partition("=")[2]})
            reading = asyncio.create_task(self._read(container, started, output))
            try:
                async with asyncio.timeout(command.timeout_s):
                    exit_code = await asyncio.shield(reading)
                return Output(output.text, exit_code, output.truncated)
            except TimeoutError:
                await self._end(container, mark, reading)
                return Output(output.text, None, output.truncated)
            except asyncio.CancelledError:
                await self._end_even_if_cancelled(container, mark, reading)
                raise
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        except EngineProblem as problem:
            if _is_gone(problem) and not await self._was_forgotten(container, problem):
                message = f"container {container!r} is not there or does not run any more: {problem}"
                raise SandboxGone(message) from problem
            raise

    async def close(self) -> None:
        """Once what is being killed is dead."""
        await asyncio.gather(*self._killing, return_exceptions=True)

    async def _create(self, container: str, line: str, environment: dict[str, str], *arguments: str) -> Exec:
        def create(docker: Docker) -> Any:
            shell = ["/bin/sh", "-c", line, "sh", *arguments]
            return docker.containers.container(container).exec(shell, environment=environment)

        created: Exec = await self._engine.ask(create, again=True)
        return created

    async def _read(self, container: str, started: Exec, output: Clipped) -> int:
        async def read(docker: Docker) -> None:
            async with started.start() as stream:
                while (message := await stream.read_out()) is not None:
                    output.add(message.data)

        await self._engine.ask(read)
        look_s = FIRST_LOOK_S
        while (state := await self._engine.ask(lambda docker: started.inspect(), again=True))["Running"]:
            await asyncio.sleep(look_s)
            look_s = min(2 * look_s, LAST_LOOK_S)
        exit_code = KILLED if state["ExitCode"] is None else int(state["ExitCode"])
        if exit_code == KILLED:
            shown = await self._engine.ask(lambda docker: docker.containers.container(container).show(), again=True)
            if not shown["State"]["Running"]:
                raise SandboxGone(f"container {container!r} was stopped while a command ran in it")
        return exit_code

    async def _was_forgotten(self, container: str, problem: EngineProblem) -> bool:
        """Whether only the command is gone: engines keep what came of it for some seconds, which may be too few for us."""
        if "no such exec" not in str(problem).lower():
            return False
        try:
            shown = await self._engine.ask(lambda docker: docker.containers.container(container).show(), again=True)
        except EngineProblem:
            return False
        return bool(shown["State"]["Running"])

    async def _end(self, container: str, mark: str, reading: asyncio.Task[int]) -> None:
        try:
            async with asyncio.timeout(KILL_TIMEOUT_S):
                while not reading.done():
                    await self._kill(container, mark)
                    await asyncio.wait([reading], timeout=ENDS_S)
        except TimeoutError:
            raise SandboxProblem(
                f"a command in {container!r} could not be killed within {KILL_TIMEOUT_S:g} s: {NOT_SEEN}"
            ) from None

    async def _kill(self, container: str, mark: str) -> None:
        output = Clipped()
        killer = await self._create(container, KILL, {}, mark)
        if await self._read(container, killer, output):
            raise SandboxProblem(f"a command in {container!r} could not be killed: {output.text.strip() or 'it goes on'}")

    async def _end_even_if_cancelled(self, container: str, mark: str, reading: asyncio.Task[int]) -> None:
        async def end() -> None:
            try:
                await self._end(container, mark, reading)
            except (SandboxProblem, SandboxGone) as problem:
                logger.info("after a command was given up: %s", problem)

        task = asyncio.create_task(end())
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)
        await asyncio.shield(task)


def _line(command: Command) -> str:
    """One pipe for both outputs keeps their order. The engines differ in what they say of a folder that is not there."""
    enter = f"cd {shlex.quote(command.workdir)} || exit\n" if command.workdir else ""
    return f"exec 2>&1\n{enter}{command.line}"


def _is_gone(problem: EngineProblem) -> bool:
    """Docker answers 404 and 409; podman 500 for a container that does not run."""
    return problem.status in (404, 409) or "container state improper" in str(problem)
