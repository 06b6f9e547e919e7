"""The policies that are compared."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy
from thunderagent.simulation import EngineSpec
from thunderagent.simulation.workloads import Workload

POLICIES: dict[str, Callable[[], Policy]] = {
    "default": DefaultPolicy,
    "cap": CapPolicy,
    "tr-published": TrPolicy.published,
    "tr-decay": lambda: TrPolicy.published(acting_half_life_s=1.0),
    "tr": TrPolicy,
    "thunder": ThunderPolicy,
    "thunder-groups": lambda: ThunderPolicy(group_aware=True),
}
"""By the name on the command line; ``cap`` gets the number of programs that ``best_cap`` finds."""
CAP_SEED = 1_000
"""Caps are searched on programs that they are not judged by."""
CAP_FILLS = (0.7, 0.9, 1.1, 1.4, 1.8)
"""Caps that are tried, in mean contexts per KV cache: from no evictions to many; the best lies between."""


def best_cap(workload: Workload, throughput: Callable[[Policy, int], float]) -> int:
    """The static number of programs per engine that gives most, of a few; ``throughput`` takes a policy and a seed."""
    fitting = EngineSpec.dense_32b_on_2xh100().usable_tokens / workload.mean_context_tokens()
    slots = sorted({max(1, round(fill * fitting)) for fill in CAP_FILLS})
    return max(slots, key=lambda number: throughput(CapPolicy(programs_per_backend=number), CAP_SEED))
