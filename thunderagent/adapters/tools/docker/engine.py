"""The container engine, asked: one client, short retries, every failure in words."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import aiohttp
from aiodocker import Docker, DockerError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

from thunderagent.errors import ConfigError, SandboxProblem

T = TypeVar("T")
NO_CONNECTION = 900
"""What aiodocker gives as the status of a connection that failed."""
SCHEMES = ("unix://", "tcp://", "http://", "https://")
DOCKER_SOCKETS = ("/var/run/docker.sock", "~/.docker/run/docker.sock")
PODMAN_SOCKETS = ("/run/podman/podman.sock", "$XDG_RUNTIME_DIR/podman/podman.sock")
ELSEWHERE = "DOCKER_HOST or tools.docker_url name another"
CONNECT_S = 5.0
ANSWER_S = 60.0
"""An engine that starts hundreds of containers takes some ten seconds for one. Pulls and commands have no limit here."""
TRIES = 3
"""Of what may be asked twice: enough for a connection that was cut; who restarts an engine asks again with his next sweep."""
TRY_AGAIN_S = 0.2
"""Doubles with every try."""
BAD_REQUEST = 400
PERMANENT = re.compile(
    "|".join(
        (
            *("manifest unknown", "name unknown", "not found: manifest", "no matching manifest", "repository does not exist"),
            *("repository name not known", "access denied", "unauthorized", "authentication required"),
            *("invalid reference format", "must be lowercase", "did not resolve to an alias"),
        )
    ),
    re.IGNORECASE,
)
"""Refusals, of registries above all, that stay as they are; engines give them with any status."""


class EngineProblem(SandboxProblem):
    """What the engine answered instead of doing it."""

    def __init__(self, message: str, status: int = 0, *, permanent: bool = False) -> None:
        """``status``: of HTTP; 0: there was no answer, or it went wrong later on."""
        super().__init__(message, permanent=permanent)
        self.status = status


class Engine:
    """All methods are to be called from one event loop."""

    def __init__(self, url: str | None) -> None:
        """Nothing is opened yet.

        Raises:
            ConfigError: this is no address of an engine.
        """
        self.url = url or os.environ.get("DOCKER_HOST") or _local()
        if not self.url.startswith(SCHEMES):
            raise ConfigError(
                "tools.docker_url" if url else "DOCKER_HOST", self.url, f"must begin with one of {', '.join(SCHEMES)}"
            )
        self._client: Docker | None = None
        self._connector: aiohttp.BaseConnector | None = None

    async def ask(self, question: Callable[[Docker], Awaitable[T]], *, again: bool = False) -> T:
        """Its answer. ``again``: asking it twice does no harm.

        Raises:
            EngineProblem: there was none, or it refused.
        """
        if not again:
            return await self._ask_once(question)
        trying = AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(TRY_AGAIN_S),
            sleep=asyncio.sleep,
            reraise=True,
        )
        answer: T = await trying(self._ask_once, question)
        return answer

    async def _ask_once(self, question: Callable[[Docker], Awaitable[T]]) -> T:
        try:
            return await question(self._open())
        except DockerError as error:
            if error.status != NO_CONNECTION:
                permanent = error.status == BAD_REQUEST or PERMANENT.search(str(error.message)) is not None
                message = f"container engine: {str(error.message).strip()}"
                raise EngineProblem(message, error.status, permanent=permanent) from error
            reason = _reason(error.__context__ or error)
        except TimeoutError as error:
            reason = str(error) or f"no answer within {ANSWER_S:g} s"
        except (aiohttp.ClientError, OSError) as error:
            reason = _reason(error)
        except (KeyError, ValueError) as error:
            raise EngineProblem(f"what answers at {self.url} is no container engine: {error!r}", permanent=True) from error
        raise EngineProblem(f"the container engine at {self.url} does not answer (is it running? {ELSEWHERE}): {reason}")

    async def close(self) -> None:
        """Let go of its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        if self._connector is not None:
            await self._connector.close()

    def _open(self) -> Docker:
        if self._client is None:
            # Every running command has a connection: aiohttp's own bound of 100 would make removals wait for commands.
            url, tls = self.url, os.environ.get("DOCKER_TLS_VERIFY") == "1"
            if url.startswith("unix://"):
                self._connector, url = aiohttp.UnixConnector(url.removeprefix("unix://"), limit=0), "unix://localhost"
            elif url.startswith(("tcp://", "http://")) and not tls:
                self._connector = aiohttp.TCPConnector(limit=0)
            timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
            self._client = Docker(url, self._connector, timeout=timeout)
        return self._client


def _reason(error: BaseException) -> str:
    """What the operating system says, where it is the one."""
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, EngineProblem) and not error.permanent and (error.status == 0 or error.status >= 500)


def _local() -> str:
    """The socket of Docker or podman that there is, else where Docker's would be."""
    paths = [Path(os.path.expandvars(path)).expanduser() for path in (*DOCKER_SOCKETS, *PODMAN_SOCKETS)]
    return f"unix://{next((path for path in paths if path.is_socket()), paths[0])}"
