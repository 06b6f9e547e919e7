"""The experiments by which policies are compared: steady state, one RL batch, a recorded trace."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from thunderagent.core import Policy
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.faults import NO_FAULTS, Faults
from thunderagent.simulation.script import Script
from thunderagent.simulation.spec import EngineSpec
from thunderagent.simulation.workloads import ProgramSource, mean_context_tokens, scripts

WARM_UP_S = 900.0
"""By then the programs that began together have spread, and the caches are full."""
MEASURED_S = 3_600.0
"""Some hundred programs of ``swe`` come and go in it; seeds then differ by about 3%."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Engines, the policy before them, and what goes wrong."""

    policy: Callable[[], Policy]
    """A new one for each simulation."""
    specs: Sequence[EngineSpec]
    faults: Faults = NO_FAULTS

    def driver(self, successors: Iterable[Script] = ()) -> Driver:
        """A new simulation."""
        return Driver(self.policy(), self.specs, successors=successors, faults=self.faults)


def programs_for(load: float, source: ProgramSource, specs: Sequence[EngineSpec]) -> int:
    """How many programs have ``load`` times the engines' KV capacity as contexts, in the mean."""
    capacity_tokens = sum(spec.usable_tokens for spec in specs)
    return max(1, round(load * capacity_tokens / mean_context_tokens(source)))


def steady_state(
    fleet: Fleet,
    source: ProgramSource,
    programs: int,
    seed: int,
    *,
    warm_up_s: float = WARM_UP_S,
    measured_s: float = MEASURED_S,
    watch: Callable[[Driver], object] = lambda driver: None,
) -> Driver:
    """So many programs at any time, measured after a warm-up; the first ones begin midway, as in a running fleet.

    ``watch`` is shown the simulation before it begins; that which has run is returned.
    """
    feed = _spread(source, programs, seed)
    first = list(itertools.islice(feed, programs))
    driver = fleet.driver(successors=feed)
    watch(driver)
    for script in first:
        driver.begin(script)
    driver.run(warm_up_s)
    driver.begin_window()
    driver.run(warm_up_s + measured_s)
    return driver


def batch(
    fleet: Fleet, source: ProgramSource, programs: int, seed: int, *, watch: Callable[[Driver], object] = lambda driver: None
) -> Driver:
    """So many programs that begin together, until the last is over: the rollout of one RL step."""
    return at_once(fleet, itertools.islice(scripts(source, seed), programs), programs, watch=watch)


def at_once(
    fleet: Fleet, given: Iterable[Script], programs: int, *, watch: Callable[[Driver], object] = lambda driver: None
) -> Driver:
    """Given programs, so many at any time, until the last is over."""
    feed = iter(given)
    first = list(itertools.islice(feed, programs))
    driver = fleet.driver(successors=feed)
    watch(driver)
    for script in first:
        driver.begin(script)
    driver.run(math.inf)
    return driver


def at_their_times(
    fleet: Fleet,
    given: Sequence[Script],
    arrivals_s: Sequence[float],
    *,
    watch: Callable[[Driver], object] = lambda driver: None,
) -> Driver:
    """Given programs, each of which begins when it is said to, until the last is over."""
    driver = fleet.driver()
    watch(driver)
    for script, arrival_s in zip(given, arrivals_s, strict=True):
        driver.begin(script, arrival_s)
    driver.run(math.inf)
    return driver


def _spread(source: ProgramSource, programs: int, seed: int) -> Iterator[Script]:
    random = Random(f"spread/{seed}")
    for index, script in enumerate(scripts(source, seed)):
        yield script.from_turn(random.randrange(len(script.turns))) if index < programs else script
