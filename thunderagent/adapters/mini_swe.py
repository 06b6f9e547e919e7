"""mini-swe-agent's environment over our sandboxes, whatever makes them: ``environment_class:
thunderagent.adapters.mini_swe.ThunderEnvironment``.

What commands give back, time-outs and the end of a task have the shape that mini-swe-agent's own environments give them.
"""

from __future__ import annotations

import logging
import os
import platform
import shlex
import subprocess
import uuid
import weakref
from dataclasses import asdict
from typing import Any, Protocol

from minisweagent.exceptions import Submitted
from minisweagent.utils.serialize import recursive_merge
from pydantic import BaseModel

from thunderagent.client import SyncProgram, SyncSandbox, Wanted
from thunderagent.errors import ConfigError, SandboxError, SandboxProblem
from thunderagent.runtime.tools import Command, HeldSandbox, Output, SandboxRequest

logger = logging.getLogger(__name__)
SUBMIT = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""mini-swe-agent's marker: the first line of a command's output when the agent is done."""


class Sandboxes(Protocol):
    """What an environment asks for sandboxes: ``BlockingTools``, or the same over HTTP."""

    def prepare(self, program_id: str, request: SandboxRequest) -> None: ...
    def acquire(self, program_id: str, request: SandboxRequest) -> HeldSandbox: ...
    def execute(self, program_id: str, sandbox_id: str, command: Command) -> Output: ...
    def give_back(self, program_id: str, sandbox_id: str) -> None: ...
    def release(self, program_id: str) -> None: ...


class ThunderEnvironmentConfig(BaseModel):
    """As ``DockerEnvironmentConfig`` where they have the same."""

    url: str = ""
    """Of a gateway with tools (``thunderagent serve --tools ...``)."""
    program_id: str = ""
    """Of the agent, the same as in its requests to the model: the sandbox is prepared by when its turn will run, and goes when
    it is over. Empty: one of its own, which ends with this environment."""
    image: str = ""
    """What the sandbox is made from; empty: what the tools make by themselves."""
    setup: str = ""
    """A shell command that ends the preparation of the sandbox."""
    cwd: str = ""
    """Where commands run; empty: the image's own."""
    env: dict[str, str] = {}
    """Environment variables of the sandbox."""
    forward_env: list[str] = []
    """Variables of this process that commands get, too; those of ``env`` come first."""
    timeout: int = 30
    """Of each command, in seconds."""
    interpreter: list[str] = []
    """What runs commands in the sandbox, such as ["bash", "-lc"]; empty: its shell (bash for bubblewrap, sh for containers)."""
    memory_bytes: int = 0
    """The most that the sandbox may take; 0: no limit of its own."""
    network: bool = False
    """Whether it may reach others."""


class ThunderEnvironment:
    """The sandbox is announced at once and waited for with the first command: its preparation overlaps with the first turn."""

    def __init__(
        self,
        *,
        sandboxes: Sandboxes | None = None,
        config_class: type = ThunderEnvironmentConfig,
        logger: Any = None,
        **kwargs: Any,
    ) -> None:
        """``sandboxes``: of this process; else those of the gateway at ``url``.

        Raises:
            ConfigError: there is neither.
        """
        self.config = config_class(**kwargs)
        self.program_id: str = self.config.program_id or f"mini-swe-agent-{uuid.uuid4().hex}"
        self._held = _Held(sandboxes or _OfGateway(self.program_id, self.config.url), self.program_id)
        forwarded = {name: os.environ[name] for name in self.config.forward_env if name in os.environ}
        self._request = SandboxRequest(
            image=self.config.image,
            setup=self.config.setup,
            workdir=self.config.cwd,
            environment={**forwarded, **self.config.env},
            memory_bytes=self.config.memory_bytes,
            network=self.config.network,
        )
        self._let_go = weakref.finalize(self, self._held.let_go, over=not self.config.program_id)
        self._held.sandboxes.prepare(self.program_id, self._request)

    def execute(self, action: dict[str, Any], cwd: str = "", *, timeout: int | None = None) -> dict[str, Any]:
        """Run a command.

        Raises:
            Submitted: the agent is done.
            SandboxRefused: there will be no sandbox.
            SandboxGone: it is not there any more, with all that was done in it.
        """
        held = self._held
        if held.sandbox_id is None:
            held.sandbox_id = held.sandboxes.acquire(self.program_id, self._request).id
        command, timeout_s = action.get("command", ""), timeout or self.config.timeout
        interpreter = self.config.interpreter
        line = f"exec {shlex.join([*interpreter, command])}" if interpreter else command
        try:
            came = held.sandboxes.execute(self.program_id, held.sandbox_id, Command(line, cwd, timeout_s=timeout_s))
            if came.exit_code is None:
                raise subprocess.TimeoutExpired(command, timeout_s, output=came.text)
            output = {"output": came.text, "returncode": came.exit_code, "exception_info": ""}
        except (subprocess.TimeoutExpired, SandboxProblem) as error:
            output = {
                "output": getattr(error, "output", ""),
                "returncode": -1,
                "exception_info": f"An error occurred while executing the command: {error}",
                "extra": {"exception_type": type(error).__name__, "exception": str(error)},
            }
        self._check_finished(output)
        return output

    def cleanup(self) -> None:
        """Give the sandbox back; a program of its own is over. At the latest when nobody has this environment any more."""
        self._let_go()

    def get_template_vars(self, **kwargs: Any) -> dict[str, Any]:
        """For prompts."""
        variables: dict[str, Any] = recursive_merge(self.config.model_dump(), platform.uname()._asdict(), kwargs)
        return variables

    def serialize(self) -> dict[str, Any]:
        """For saved trajectories."""
        kind = f"{self.__class__.__module__}.{self.__class__.__name__}"
        return {"info": {"config": {"environment": self.config.model_dump(mode="json"), "environment_type": kind}}}

    def _check_finished(self, output: dict[str, Any]) -> None:
        lines = output["output"].lstrip().splitlines(keepends=True)
        if lines and lines[0].strip() == SUBMIT and output["returncode"] == 0:
            submission = "".join(lines[1:])
            extra = {"exit_status": "Submitted", "submission": submission}
            raise Submitted({"role": "exit", "content": submission, "extra": extra})


class _Held:
    """What an environment has to let go of. It outlives the environment."""

    def __init__(self, sandboxes: Sandboxes, program_id: str) -> None:
        self.sandboxes, self.program_id = sandboxes, program_id
        self.sandbox_id: str | None = None

    def let_go(self, *, over: bool) -> None:
        """``over``: of all that the program has."""
        try:
            if over:
                self.sandboxes.release(self.program_id)
            elif self.sandbox_id is not None:
                self.sandboxes.give_back(self.program_id, self.sandbox_id)
        except SandboxError as error:
            logger.warning("a sandbox of program %s goes later: %s", self.program_id, error)
        if isinstance(self.sandboxes, _OfGateway):
            self.sandboxes.disconnect()


class _OfGateway:
    """Sandboxes of one program of a gateway."""

    def __init__(self, program_id: str, url: str) -> None:
        if not url:
            raise ConfigError("environment.url", url, "name a gateway with tools, such as http://127.0.0.1:8300")
        self._program = SyncProgram(program_id, url)
        self._sandboxes: dict[str, SyncSandbox] = {}

    def prepare(self, program_id: str, request: SandboxRequest) -> None:
        self._program.prepare(**_said(request))

    def acquire(self, program_id: str, request: SandboxRequest) -> HeldSandbox:
        sandbox = self._program.acquire(**_said(request))
        self._sandboxes[sandbox.id] = sandbox
        return HeldSandbox(sandbox.id, program_id, sandbox.reused, sandbox.waited_s)

    def execute(self, program_id: str, sandbox_id: str, command: Command) -> Output:
        return self._sandboxes[sandbox_id].execute(command.line, workdir=command.workdir, timeout_s=command.timeout_s)

    def give_back(self, program_id: str, sandbox_id: str) -> None:
        self._sandboxes.pop(sandbox_id).give_back()

    def release(self, program_id: str) -> None:
        self._program.release()

    def disconnect(self) -> None:
        self._program.disconnect()


def _said(request: SandboxRequest) -> Wanted:
    """What it names; the rest is as in the gateway's default."""
    said: Any = {name: value for name, value in asdict(request).items() if value}
    wanted: Wanted = said
    return wanted
