"""The two experiments by which policies are compared: throughput in steady state, and the makespan of one RL batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from random import Random

from thunderagent.core import Policy
from thunderagent.simulation.closed_loop import ClosedLoop
from thunderagent.simulation.outcome import Outcome
from thunderagent.simulation.spec import EngineSpec
from thunderagent.simulation.workloads import Script, Workload

WARM_UP_S = 900.0
"""By then the programs that began together have spread, and the caches are full."""
MEASURED_S = 3_600.0
"""Some hundred programs of ``swe`` come and go in it; seeds then differ by about 3%."""


def programs_for(load: float, workload: Workload, specs: Sequence[EngineSpec]) -> int:
    """How many programs have ``load`` times the engines' KV capacity as contexts, in the mean."""
    capacity_tokens = sum(spec.usable_tokens for spec in specs)
    return max(1, round(load * capacity_tokens / workload.mean_context_tokens()))


def steady_state(
    policy: Policy,
    specs: Sequence[EngineSpec],
    workload: Workload,
    programs: int,
    seed: int,
    *,
    warm_up_s: float = WARM_UP_S,
    measured_s: float = MEASURED_S,
) -> Outcome:
    """Programs in closed loop, measured after a warm-up; the first ones begin midway, as in a running fleet."""
    loop = ClosedLoop(policy, specs, _spread(workload, programs, seed), programs)
    loop.run(warm_up_s)
    loop.begin_window()
    loop.run(warm_up_s + measured_s)
    return loop.outcome()


def batch(policy: Policy, specs: Sequence[EngineSpec], workload: Workload, programs: int, seed: int) -> Outcome:
    """So many programs that begin together, until the last is over: the rollout of one RL step."""
    loop = ClosedLoop(policy, specs, itertools.islice(workload.scripts(seed), programs), programs)
    loop.run(math.inf)
    return loop.outcome()


def _spread(workload: Workload, programs: int, seed: int) -> Iterator[Script]:
    random = Random(f"spread/{seed}")
    for index, script in enumerate(workload.scripts(seed)):
        yield script.from_turn(random.randrange(len(script.turns))) if index < programs else script
