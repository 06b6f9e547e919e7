"""``docker_ids`` of a request: running containers that are its program's from now on."""

from __future__ import annotations

import asyncio

from thunderagent.adapters.gateway.sandbox_problems import no_tools, problem_of
from thunderagent.errors import RequestProblem, SandboxError, SandboxGone, SandboxProblem
from thunderagent.runtime.tools import ToolHost

MAX_CHARACTERS = 256
"""A container's id has 64 characters; names of sandboxes are hardly longer."""
MAX_IDS = 64
"""A program has a few containers; each is looked at once."""
TIMEOUT_S = 30.0
"""A container engine tells of a container at once, unless it hangs."""


def valid_docker_ids(value: object) -> tuple[str, ...]:
    """Ids of containers, as a client gave them; null is none.

    Raises:
        RequestProblem: 400 ``invalid_docker_ids``. The message does not contain the value.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not all(map(_usable, value)):
        raise _problem(f"must be a list of ids of containers, each of 1 to {MAX_CHARACTERS} printable characters")
    if len(value) > MAX_IDS:
        raise _problem(f"has {len(value)} items; at most {MAX_IDS} are taken")
    return tuple(dict.fromkeys(value))


async def attach(tools: ToolHost | None, program_id: str, docker_ids: tuple[str, ...]) -> list[str]:
    """The containers are the program's from now on: the ids of their sandboxes. Those that are known cost nothing.

    Raises:
        RequestProblem: 400, there is no such container, or there are no tools; 502, 503: the container engine failed.
    """
    if tools is None:
        raise no_tools()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return [await tools.attach(program_id, docker_id) for docker_id in docker_ids]
    except SandboxGone as gone:
        raise RequestProblem(400, "unknown_container", str(gone), param="docker_ids") from None
    except SandboxError as error:
        raise problem_of(error) from None
    except TimeoutError:
        raise problem_of(SandboxProblem(f"{tools.backend.name} did not answer within {TIMEOUT_S:g} s")) from None


def _usable(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS and value.isprintable() and " " not in value


def _problem(what: str) -> RequestProblem:
    return RequestProblem(400, "invalid_docker_ids", f"docker_ids {what}", param="docker_ids")
