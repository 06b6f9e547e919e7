"""``python -m examples.mini_swe_agent``"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.common import Served, main, parser
from examples.outcome import Outcome
from examples.packing import unpacking
from recipes.skyrl_swe.repository import ENVIRONMENT, template_repository
from recipes.skyrl_swe.tasks import Task, load_tasks
from thunderagent.client import Program

ABOUT = "mini-swe-agent's own command: each agent repairs a bug of a small git repository in a sandbox of the gateway."
TASKS = ("csv-trailing-field", "lru-cache-overwrite", "semver-prerelease-order", "router-dead-end")
"""Of the recipe skyrl_swe."""
COMMAND_TIMEOUT_S = 60
"""Commands take well under a second; on a machine under heavy load they may take many times that."""
QUIET = {"MSWEA_CONFIGURED": "true", "MSWEA_SILENT_STARTUP": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""No questions at its first start, no banner, and no look at prices in the network."""


async def agents(where: Served, options: argparse.Namespace) -> Sequence[Outcome]:
    """All at once, each a process."""
    run = uuid.uuid4().hex[:6]
    with tempfile.TemporaryDirectory(prefix="mini-swe-agent-") as folder:
        tasks = [load_tasks()[TASKS[number % len(TASKS)]] for number in range(options.agents)]
        ids = [f"mini-{run}-{number}" for number in range(options.agents)]
        running = (
            _one(where, program_id, task, options.image, Path(folder)) for program_id, task in zip(ids, tasks, strict=True)
        )
        return await asyncio.gather(*running)


async def _one(where: Served, program_id: str, task: Task, image: str, folder: Path) -> Outcome:
    repository = template_repository(task, folder)
    config, log, trajectory = (folder / f"{program_id}.{suffix}" for suffix in ("yaml", "log", "json"))
    config.write_text(json.dumps(_config(where, program_id, repository, image)))  # JSON is YAML
    command = (
        *(sys.executable, "-m", "minisweagent.run.mini", "-c", "mini.yaml", "-c", str(config)),
        *("-t", f"{task.title}\n\n{task.issue}", "-y", "--exit-immediately", "-o", str(trajectory)),
    )
    key = None if where.api_key == "none" else where.api_key
    with log.open("wb") as output:
        async with Program(program_id, where.url, key):  # released at the end, with its sandbox
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **QUIET}
            )
            try:
                status = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
    if status or not trajectory.exists():
        return Outcome(program_id, False, f"{task.id}: mini failed: {log.read_text(errors='replace')[-300:]}")
    ended = json.loads(trajectory.read_text())["info"]
    repaired = await _repairs(task, repository, ended.get("submission") or "", folder / f"{program_id}-checked")
    return Outcome(program_id, repaired, f"{task.id}: {ended['exit_status']}, {'repaired' if repaired else 'not repaired'}")


def _config(where: Served, program_id: str, repository: Path, image: str) -> dict[str, Any]:
    """What is laid over mini's own mini.yaml: where the model is, and where commands run."""
    return {
        "model": {
            "model_name": f"openai/{where.model}",
            "cost_tracking": "ignore_errors",
            "model_kwargs": {
                "api_base": f"{where.url}/v1",
                "api_key": where.api_key,
                "extra_body": {"program_id": program_id},  # the one line that makes its requests turns of this agent
            },
        },
        "environment": {
            "environment_class": "thunderagent.adapters.mini_swe.ThunderEnvironment",
            "url": where.url,
            "program_id": program_id,
            "image": image,
            "setup": unpacking(repository),
            "env": ENVIRONMENT,
            "interpreter": ["bash", "-c"],
            "timeout": COMMAND_TIMEOUT_S,
        },
    }


async def _repairs(task: Task, repository: Path, patch: str, folder: Path) -> bool:
    """Whether the task's hidden tests pass with what was submitted."""
    (folder.with_suffix(".patch")).write_text(patch)
    line = (
        f"cp -r '{repository}' '{folder}' && cd '{folder}' && git apply --whitespace=nowarn '{folder.with_suffix('.patch')}' && "
        f"cp '{task.hidden_test}' . && '{sys.executable}' -m unittest -q {task.hidden_test.stem}"
    )
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


if __name__ == "__main__":
    options = parser("mini_swe_agent", ABOUT, agents=2, tools=True).parse_args()
    main(options, agents, answers="examples.mini_swe_agent.policy:scripted", tools=True)
