"""The experiments by which policies are compared: steady state, one RL batch, a recorded trace."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

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

Watch = Callable[[Driver], object]
"""Is shown a simulation before it begins."""


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


class Experiment(Protocol):
    """What is done with a fleet."""

    @property
    def workload(self) -> str:
        """Its name."""

    @property
    def load(self) -> float:
        """Contexts of the programs under way over the KV capacity; 0: it is not held constant."""

    @property
    def mean_context_tokens(self) -> float:
        """Over all turns, at their ends."""

    def programs(self, specs: Sequence[EngineSpec]) -> int:
        """How many are under way at once, at most."""

    def run(self, fleet: Fleet, seed: int, watch: Watch) -> Driver:
        """Do it; the simulation that has run is returned."""


@dataclass(frozen=True, slots=True)
class Steady:
    """So many programs at any time, measured after a warm-up; the first ones begin midway, as in a running fleet."""

    source: ProgramSource
    load: float
    warm_up_s: float = WARM_UP_S
    measured_s: float = MEASURED_S

    @property
    def workload(self) -> str:
        """Its name."""
        return self.source.name

    @property
    def mean_context_tokens(self) -> float:
        """Over all turns, at their ends."""
        return mean_context_tokens(self.source)

    def programs(self, specs: Sequence[EngineSpec]) -> int:
        """As many as have ``load`` times the engines' KV capacity as contexts, in the mean."""
        capacity_tokens = sum(spec.usable_tokens for spec in specs)
        return max(1, round(self.load * capacity_tokens / self.mean_context_tokens))

    def run(self, fleet: Fleet, seed: int, watch: Watch) -> Driver:
        """Measured from the end of the warm-up on."""
        programs = self.programs(fleet.specs)
        driver = _begin(fleet, _spread(self.source, programs, seed), programs, watch)
        driver.run(self.warm_up_s)
        driver.begin_window()
        driver.run(self.warm_up_s + self.measured_s)
        return driver


@dataclass(frozen=True, slots=True)
class Batch:
    """Programs that begin together, until the last is over: the rollout of one RL step."""

    source: ProgramSource
    groups: int

    @property
    def workload(self) -> str:
        """Its name."""
        return self.source.name

    @property
    def load(self) -> float:
        """None that lasts."""
        return 0.0

    @property
    def mean_context_tokens(self) -> float:
        """Over all turns, at their ends."""
        return mean_context_tokens(self.source)

    def programs(self, specs: Sequence[EngineSpec]) -> int:
        """All samples of all groups."""
        return self.groups * self.source.group_size

    def run(self, fleet: Fleet, seed: int, watch: Watch) -> Driver:
        """To the end."""
        programs = self.programs(fleet.specs)
        driver = _begin(fleet, itertools.islice(scripts(self.source, seed), programs), programs, watch)
        driver.run(math.inf)
        return driver


@dataclass(frozen=True, slots=True)
class Replay:
    """Recorded programs, until the last is over; the seed means nothing to it."""

    workload: str
    scripts: Sequence[Script]
    arrivals_s: Sequence[float] | None
    """When each begins; None: so many at any time as ``at_once`` says."""
    at_once: int = 0

    @property
    def load(self) -> float:
        """Whatever it was."""
        return 0.0

    @property
    def mean_context_tokens(self) -> float:
        """Over all turns, at their ends."""
        contexts = [tokens for script in self.scripts for tokens in script.contexts()]
        return sum(contexts) / len(contexts)

    def programs(self, specs: Sequence[EngineSpec]) -> int:
        """With arrivals it is not known beforehand: all."""
        return len(self.scripts) if self.arrivals_s is not None else min(self.at_once, len(self.scripts))

    def run(self, fleet: Fleet, seed: int, watch: Watch) -> Driver:
        """To the end."""
        if self.arrivals_s is None:
            driver = _begin(fleet, iter(self.scripts), self.at_once, watch)
        else:
            driver = fleet.driver()
            watch(driver)
            for script, arrival_s in zip(self.scripts, self.arrivals_s, strict=True):
                driver.begin(script, arrival_s)
        driver.run(math.inf)
        return driver


def _begin(fleet: Fleet, feed: Iterator[Script], programs: int, watch: Watch) -> Driver:
    first = list(itertools.islice(feed, programs))
    driver = fleet.driver(successors=feed)
    watch(driver)
    for script in first:
        driver.begin(script)
    return driver


def _spread(source: ProgramSource, programs: int, seed: int) -> Iterator[Script]:
    random = Random(f"spread/{seed}")
    feed = scripts(source, seed)
    for script in itertools.islice(feed, programs):
        yield script.from_turn(random.randrange(len(script.turns)))
    yield from feed
