"""The SWE environment: mini-swe-agent's own executor and action parser inside a SkyRL-Gym text environment.

Each attempt gets a copy of its task's git repository. Commands run under bubblewrap, with the repository at /testbed and no
network, where it works; else as plain processes. The reward is what the hidden tests say at the end.
"""

from __future__ import annotations

import functools
import math
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from recipes.skyrl_swe.tasks import Task, load_tasks

os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")
os.environ.setdefault("MSWEA_GLOBAL_CONFIG_DIR", str(Path(tempfile.gettempdir()) / "thunderagent-mswea"))

from minisweagent.environments.extra.bubblewrap import BubblewrapEnvironment
from minisweagent.environments.local import LocalEnvironment
from minisweagent.exceptions import FormatError, Submitted
from minisweagent.models.utils.actions_text import format_observation_messages, parse_regex_actions

ACTION = r"```bash\s*\n(.*?)\n```"
FORMAT_ERROR = "Please give EXACTLY ONE ```bash block in your answer; there were {{ actions | length }}."
OBSERVATION = (
    "<returncode>{{ output.returncode }}</returncode>\n<output>\n{{ output.output[:4000] }}"
    "{% if output.output | length > 4000 %}\n[{{ output.output | length - 4000 }} more characters]{% endif %}</output>"
)
COMMAND_TIMEOUT_S = 20
"""Commands of the tasks take well under a second; on a machine under heavy load they may take many times that."""
TOOL_LATENCY_SIGMA = 1.0
"""Spread of the emulated tool latency: its 99th percentile is ten times its median."""
SANDBOX_START_SIGMA = 0.5
"""Spread of the emulated sandbox start: most take between half and twice the median."""
TESTBED = "/testbed"
HIDDEN_TESTS = "python3 -m unittest -q test_hidden"
ENVIRONMENT = {
    "HOME": "/tmp",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}


class SWEEnvironment(BaseTextEnv):
    """One attempt at one task.

    ``extras``: ``task_id``, ``work_dir`` (for copies), ``max_turns``, ``tool_latency_s``, ``sandbox_start_s`` (wall seconds).
    """

    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        super().__init__()
        extras = extras or {}
        self.task: Task = load_tasks()[extras["task_id"]]
        self.max_turns = int(extras["max_turns"])
        self._work_dir = Path(extras["work_dir"])
        self._tool_latency_s = float(extras.get("tool_latency_s", 0.0))
        self._sandbox_start_s = float(extras.get("sandbox_start_s", 0.0))
        self._directory: Path | None = None
        self._executor: Any = None
        self._reward = 0.0
        self._engine_failed = False

    def init(self, prompt: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """Copy the repository."""
        emulate_latency(self._sandbox_start_s, SANDBOX_START_SIGMA)
        self._directory = Path(tempfile.mkdtemp(dir=self._work_dir, prefix=f"{self.task.id}-"))
        repository = self._directory / "testbed"
        shutil.copytree(template_repository(self.task, self._work_dir), repository, symlinks=True)
        self._executor = make_executor(repository)
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Run the one command of an answer; the last turn or a submission ends the attempt with its reward."""
        self.turns += 1
        if not action:  # thunderagent's empty answer: the engine died under this turn
            self._engine_failed = True
            return self._end()
        try:
            observations = self._run(action)
        except Submitted:
            return self._end()
        if self.turns >= self.max_turns:
            return self._end()
        return BaseTextEnvStepOutput(observations=observations, reward=0.0, done=False, metadata={})

    def close(self) -> None:
        """Remove the copy."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def get_metrics(self) -> dict[str, Any]:
        """Reported by SkyRL as ``environment/*`` and kept per trajectory by the recipe."""
        return {"resolved": self._reward, "turns": self.turns, "engine_failed": float(self._engine_failed)}

    def _run(self, action: str) -> list[dict[str, str]]:
        try:
            (command,) = parse_regex_actions(action, action_regex=ACTION, format_error_template=FORMAT_ERROR)
        except FormatError as error:
            return [{"role": "user", "content": error.messages[0]["content"]}]
        output = self._executor.execute(command)
        emulate_latency(self._tool_latency_s, TOOL_LATENCY_SIGMA)
        messages = format_observation_messages([output], observation_template=OBSERVATION)
        return [{"role": "user", "content": message["content"]} for message in messages]

    def _end(self) -> BaseTextEnvStepOutput:
        self._reward = 0.0 if self._engine_failed else self._score()
        return BaseTextEnvStepOutput(observations=[], reward=self._reward, done=True, metadata={})

    def _score(self) -> float:
        assert self._directory is not None, "init comes before step"
        shutil.copy(self.task.hidden_test, self._directory / "testbed" / "test_hidden.py")
        return float(self._executor.execute({"command": HIDDEN_TESTS})["returncode"] == 0)


def emulate_latency(median_s: float, sigma: float) -> None:
    """Take the time of a real sandbox (lognormal), in SkyRL's thread for this environment; nothing at a median of 0.

    It never changes what an attempt does, so it is not seeded.
    """
    if median_s:
        time.sleep(random.lognormvariate(math.log(median_s), sigma))


def template_repository(task: Task, work_dir: Path) -> Path:
    """The task as a git repository with one commit, made once per run and copied per attempt."""
    template = work_dir / "templates" / task.id
    if template.exists():
        return template
    (work_dir / "templates").mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=work_dir, prefix=f"template-{task.id}-"))
    shutil.copytree(task.repo, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for arguments in (["init", "-q", "--template=", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Import"]):
        identity = ["-c", "user.name=thunderagent", "-c", "user.email=thunderagent@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=building, check=True, env={**os.environ, **ENVIRONMENT})
    try:
        building.rename(template)
    except OSError:  # another attempt at the same task was faster
        shutil.rmtree(building, ignore_errors=True)
    return template


@functools.cache
def bubblewrap_works() -> bool:
    """Whether sandboxes can be made here: bwrap is installed, and user namespaces are allowed."""
    if shutil.which("bwrap") is None:
        return False
    probe = ["bwrap", *_sandbox(Path("/tmp")), "--chdir", TESTBED, "python3", "-c", ""]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def make_executor(repository: Path) -> Any:
    """mini-swe-agent's environment for one repository: bubblewrap with a fixed /testbed, else local processes."""
    if bubblewrap_works():
        return _Sandboxed(cwd=str(repository), env=ENVIRONMENT, timeout=COMMAND_TIMEOUT_S, wrapper_args=_sandbox(repository))
    return _Local(cwd=str(repository), env={**ENVIRONMENT, "PATH": _path()}, timeout=COMMAND_TIMEOUT_S)


class _Sandboxed(BubblewrapEnvironment):
    def execute(self, action: dict[str, Any], cwd: str = "", *, timeout: int | None = None) -> dict[str, Any]:
        # The base class starts in the host's path; the same directory is mounted at /testbed, whose name tells nothing.
        command = f"cd {TESTBED}\n{action['command']}"
        result: dict[str, Any] = super().execute({"command": command}, cwd, timeout=timeout)
        return result


class _Local(LocalEnvironment):
    def execute(self, action: dict[str, Any], cwd: str = "", *, timeout: int | None = None) -> dict[str, Any]:
        command = action["command"].replace(TESTBED, self.config.cwd)
        result: dict[str, Any] = super().execute({"command": f"exec bash -c {shlex.quote(command)}"}, cwd, timeout=timeout)
        return result


def _path() -> str:
    return f"{Path(sys.base_prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin"


def _sandbox(repository: Path) -> list[str]:
    read_only = ["/usr", "/bin", "/lib", "/lib64", "/etc", sys.base_prefix]
    return [
        "--unshare-all",
        "--die-with-parent",
        *(word for path in read_only for word in ("--ro-bind-try", path, path)),
        *("--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev", "--new-session"),
        *("--bind", str(repository), TESTBED, "--setenv", "PATH", _path()),
    ]
