"""The SWE environment: mini-swe-agent's action parser and our sandboxes inside a SkyRL-Gym text environment.

Each attempt gets a copy of its task's git repository at /testbed, without network where sandboxes work. They are announced at the
start of an attempt and waited for with its first command. The reward is what the hidden tests say at the end, in it as well.
"""

from __future__ import annotations

import logging
import math
import random
import time
from pathlib import Path
from typing import Any

from minisweagent.exceptions import FormatError, Submitted
from minisweagent.models.utils.actions_text import format_observation_messages, parse_regex_actions
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from recipes.skyrl_swe.executors import LocalProcesses, in_sandbox
from recipes.skyrl_swe.repository import template_repository, writing
from recipes.skyrl_swe.tasks import Task, load_tasks
from thunderagent.adapters.skyrl.tools import PROGRAM, current
from thunderagent.errors import SandboxError

logger = logging.getLogger(__name__)
ACTION = r"```bash\s*\n(.*?)\n```"
FORMAT_ERROR = "Please give EXACTLY ONE ```bash block in your answer; there were {{ actions | length }}."
OBSERVATION = (
    "<returncode>{{ output.returncode }}</returncode>\n<output>\n{{ output.output[:4000] }}"
    "{% if output.output | length > 4000 %}\n[{{ output.output | length - 4000 }} more characters]{% endif %}</output>"
)
TOOL_LATENCY_SIGMA = 1.0
"""Spread of the emulated tool latency: its 99th percentile is ten times its median."""
SANDBOX_START_SIGMA = 0.5
"""Spread of the emulated sandbox start: most take between half and twice the median."""
HIDDEN_TEST = "test_hidden"


class SWEEnvironment(BaseTextEnv):
    """One attempt at one task.

    ``extras``: ``task_id``, ``work_dir`` (for copies), ``max_turns``, ``tool_latency_s``, ``sandbox_start_s`` (wall seconds);
    ``sandbox``: ``image`` and ``setup`` of sandboxes; None: commands run as local processes.
    """

    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        super().__init__()
        extras = extras or {}
        self.task: Task = load_tasks()[extras["task_id"]]
        self.max_turns = int(extras["max_turns"])
        self._work_dir = Path(extras["work_dir"])
        self._program_id: str = extras.get(PROGRAM, "")
        self._sandbox: dict[str, str] | None = extras.get("sandbox")
        self._tool_latency_s = float(extras.get("tool_latency_s", 0.0))
        self._sandbox_start_s = float(extras.get("sandbox_start_s", 0.0))
        self._executor: Any = None
        self._reward = 0.0
        self._engine_failed = self._sandbox_failed = False

    def init(self, prompt: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """Announce the sandbox; a local copy is made at once."""
        template = template_repository(self.task, self._work_dir)
        start_s = drawn_s(self._sandbox_start_s, SANDBOX_START_SIGMA)
        if self._sandbox is None:
            time.sleep(start_s)
            self._executor = LocalProcesses(template, self._work_dir)
        else:
            self._executor = in_sandbox(
                template, sandboxes=current(), program_id=self._program_id, start_s=start_s, **self._sandbox
            )
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
        except SandboxError as error:
            return self._lost(error)
        if self.turns >= self.max_turns:
            return self._end()
        return BaseTextEnvStepOutput(observations=observations, reward=0.0, done=False, metadata={})

    def close(self) -> None:
        """Give the sandbox back."""
        if self._executor is not None:
            self._executor.cleanup()

    def get_metrics(self) -> dict[str, Any]:
        """Reported by SkyRL as ``environment/*`` and kept per trajectory by the recipe."""
        return {
            "resolved": self._reward,
            "turns": self.turns,
            "engine_failed": float(self._engine_failed),
            "sandbox_failed": float(self._sandbox_failed),
        }

    def _run(self, action: str) -> list[dict[str, str]]:
        try:
            (command,) = parse_regex_actions(action, action_regex=ACTION, format_error_template=FORMAT_ERROR)
        except FormatError as error:
            return [{"role": "user", "content": error.messages[0]["content"]}]
        output = self._executor.execute(command)
        time.sleep(drawn_s(self._tool_latency_s, TOOL_LATENCY_SIGMA))
        messages = format_observation_messages([output], observation_template=OBSERVATION)
        return [{"role": "user", "content": message["content"]} for message in messages]

    def _end(self) -> BaseTextEnvStepOutput:
        try:
            self._reward = 0.0 if self._engine_failed else self._score()
        except SandboxError as error:
            return self._lost(error)
        return BaseTextEnvStepOutput(observations=[], reward=self._reward, done=True, metadata={})

    def _lost(self, error: SandboxError) -> BaseTextEnvStepOutput:
        """Only this attempt ends."""
        logger.error("an attempt at %s ends: %s", self.task.id, error)
        self._sandbox_failed = True
        return BaseTextEnvStepOutput(observations=[], reward=0.0, done=True, metadata={})

    def _score(self) -> float:
        test = writing(f"{HIDDEN_TEST}.py", self.task.hidden_test.read_bytes())
        output = self._executor.execute({"command": f"{test} && python3 -m unittest -q {HIDDEN_TEST}"})
        return float(output["returncode"] == 0)


def drawn_s(median_s: float, sigma: float) -> float:
    """The time of a real sandbox (lognormal); 0 at a median of 0. It never changes what an attempt does, so it is not seeded."""
    return random.lognormvariate(math.log(median_s), sigma) if median_s else 0.0
