"""What is compared: policies, what they need of the engines, the engine alone, and the bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy
from thunderagent.simulation.spec import EngineSpec

HOST_SHARE = 2.0
"""Host memory of a contender with a second tier, in KV capacities of the engine: a usual machine has that."""
CAP_SEED = 1_000
"""Caps are searched on programs that they are not judged by."""
CAP_FILLS = (0.7, 0.9, 1.1, 1.4, 1.8, 2.4)
"""Caps that are tried, in mean contexts per KV cache: from no evictions to many; the best lies between."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One column of a comparison."""

    name: str
    meaning: str
    """In plain words, for reports."""
    policy: Callable[[], Policy]
    engine: Callable[[EngineSpec], EngineSpec] = lambda spec: spec
    """What the engine is made to be."""


def with_hints(spec: EngineSpec) -> EngineSpec:
    """An engine that serves its queue by priority; eviction hints are a matter of the policy."""
    return replace(spec, queue="priority")


def with_host_tier(spec: EngineSpec) -> EngineSpec:
    """An engine with a second tier of the KV cache in host memory."""
    return replace(spec, host_capacity_tokens=HOST_SHARE * spec.usable_tokens, queue="priority")


def with_free_host_tier(spec: EngineSpec) -> EngineSpec:
    """An engine that finds all KV that was ever computed, at no cost."""
    return replace(spec, host_capacity_tokens=math.inf, host_tokens_per_s=math.inf)


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(
            "default",
            "No scheduling: every turn goes to the engine at once, as without this project; a program stays on its engine.",
            DefaultPolicy,
        ),
        Contender(
            "least-loaded",
            "No scheduling; each turn goes to the engine on which the fewest run.",
            lambda: DefaultPolicy("least-loaded"),
        ),
        Contender(
            "prefix-affinity",
            "No scheduling; each turn goes to the engine that likely has its prefix cached, unless too many run there.",
            lambda: DefaultPolicy("prefix-affinity"),
        ),
        Contender(
            "cap",
            "A fixed number of programs per engine; the best number of a few, searched on other programs than those shown.",
            CapPolicy,
        ),
        Contender(
            "tr", "ThunderAgent as published (arXiv 2602.13692): a tick every 5 s, shortest programs first.", TrPolicy.published
        ),
        Contender(
            "tr-decay",
            "As published, with the weight of a KV cache in a tool call halved every second.",
            lambda: TrPolicy.published(acting_half_life_s=1.0),
        ),
        Contender("tr-events", "The published rules at every event, without the defects of their public code.", TrPolicy),
        Contender(
            "thunder",
            "This project's policy, before an unmodified engine. Who has waited longest is admitted first; the KV cache of a "
            "program in a tool call is kept while that pays; how much is admitted is corrected by what the engine shows.",
            ThunderPolicy,
        ),
        Contender(
            "thunder-groups",
            "thunder; of programs that were started from one prompt, those that complete the group go first.",
            lambda: ThunderPolicy(group_aware=True),
        ),
        Contender(
            "thunder+hints",
            "thunder, and an engine that takes its hints: what may be evicted first, and who goes first.",
            lambda: ThunderPolicy(hints=True),
            with_hints,
        ),
        Contender(
            "thunder+host",
            f"thunder with hints, and {HOST_SHARE:g} times the engine's KV capacity in host memory.",
            lambda: ThunderPolicy(hints=True),
            with_host_tier,
        ),
        Contender(
            "bound",
            "No policy but a limit: running requests are limited to the KV capacity, all other KV is offloaded at no cost.",
            DefaultPolicy,
            with_free_host_tier,
        ),
    )
}
"""By name; ``cap`` gets the number that is found with ``caps``."""


def meanings(names: Iterable[str]) -> dict[str, str]:
    """For the settings of a study, so that its data tell what was compared."""
    return {f"policy {name}": CONTENDERS[name].meaning for name in names}


def caps(context_tokens: float, spec: EngineSpec) -> list[int]:
    """The static numbers of programs per engine to be tried, for programs of such a mean context."""
    return sorted({max(1, round(fill * spec.usable_tokens / context_tokens)) for fill in CAP_FILLS})


def with_cap(programs: int) -> Contender:
    """``cap`` with this number."""
    return replace(CONTENDERS["cap"], policy=lambda: CapPolicy(programs_per_backend=programs))
