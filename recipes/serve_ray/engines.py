"""The embedded engine as a Ray actor, on whatever node Ray puts it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import ray

from recipes.common.config import EngineConfig
from recipes.common.engine import start_engine
from recipes.common.tokenizer import save_byte_tokenizer

MODEL = "simulated"
ANSWERS = "thunderagent.adapters.engines.simulated.answers:echo"
DIALECT = "vllm"
"""What it speaks."""


class EngineActor:
    """Its process ends with the actor."""

    def __init__(self, engine: EngineConfig, *, loopback: bool) -> None:
        """Starts it. ``loopback``: all that call it are on its node."""
        self._folder = tempfile.TemporaryDirectory(prefix="thunderagent-engine-")
        folder = Path(self._folder.name)
        self._process, self._url = start_engine(
            engine,
            tokenizer=save_byte_tokenizer(folder),
            model_name=MODEL,
            answers=ANSWERS,
            host="127.0.0.1" if loopback else ray.util.get_node_ip_address(),
            port_file=folder / "url",
            log=folder / "engine.log",
        )

    async def get_url(self) -> str:
        """Where it is."""
        return self._url


def start_engines(name: str, engine: EngineConfig, count: int, *, loopback: bool) -> tuple[list[Any], str]:
    """Actors, which end with this process, and how their names begin."""
    actor = ray.remote(EngineActor)
    made = [
        actor.options(name=f"{name}-engine-{index}", num_cpus=0, max_restarts=-1).remote(engine, loopback=loopback)
        for index in range(count)
    ]
    ray.get([each.get_url.remote() for each in made])
    return made, f"{name}-engine-*"
