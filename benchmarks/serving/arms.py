"""The same agents before the same engine, scheduled in different ways, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.gateway import processes
from benchmarks.serving.engine import drop_cache
from benchmarks.serving.setups import Setup
from recipes.serve.agents.crowd import run_crowd
from recipes.serve.agents.tally import Tally

ALONE, TR, THUNDER = "engine alone", "tr", "thunder"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way."""

    name: str
    options: tuple[str, ...] | None
    """Of ``thunderagent serve``; None: no gateway."""
    url: str | None = None
    """Of a gateway that runs already, before the same engine."""


def cap(programs: int) -> str:
    """The name of a static cap."""
    return f"cap {programs}"


def arms(caps: Sequence[int], peers: dict[str, str]) -> list[Arm]:
    """All of them; ``tr`` is the published policy with its tick of 5 s and its defects."""
    return [
        Arm(ALONE, None),
        *(Arm(cap(number), ("--router", "cap", "--programs-per-engine", str(number))) for number in caps),
        *(Arm(name, None, url) for name, url in peers.items()),
        Arm(TR, ("--router", "tr", "--published")),
        Arm(THUNDER, ("--router", "thunder")),
    ]


def run(arm: Arm, setup: Setup, engine_url: str, *, model: str, seed: int, on_step: Callable[[Tally], None]) -> Tally:
    """All turns of all agents, from an empty KV cache."""
    drop_cache(engine_url)
    with _front(arm, engine_url) as url:
        running = run_crowd(url, setup.agents, setup.plan, api_key="none", model=model, seed=seed, on_step=on_step)
        return asyncio.run(running)


@contextlib.contextmanager
def _front(arm: Arm, engine_url: str) -> Iterator[str]:
    if arm.options is None:
        yield arm.url or engine_url
        return
    with processes.gateway(engine_url, *arm.options) as gateway:
        yield f"http://{gateway.host}:{gateway.port}"
