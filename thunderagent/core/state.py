"""All state of a scheduler, in one place; the modules beside this one are the functions over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from thunderagent.core.counters import Counters
from thunderagent.core.effects import Effect
from thunderagent.core.estimation import TokenEstimator
from thunderagent.core.events import TurnArrived
from thunderagent.core.index import OrderedIndex
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.limits import Limits
from thunderagent.core.policies import Policy
from thunderagent.core.prefixes import Prefixes
from thunderagent.core.program import Program
from thunderagent.core.steady_clock import SteadyClock
from thunderagent.core.tool_times import ToolTimes
from thunderagent.core.turn import Turn
from thunderagent.core.waiting import WaitingLine


@dataclass(slots=True, eq=False)
class State:
    """Written by the event handlers only."""

    policy: Policy
    limits: Limits
    tools: ToolTimes
    ledger: Ledger = field(init=False)
    line: WaitingLine = field(init=False)
    clock: SteadyClock = field(default_factory=SteadyClock)
    estimator: TokenEstimator = field(default_factory=TokenEstimator)
    prefixes: Prefixes = field(default_factory=Prefixes)
    awaited: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is remembered of backends that have not joined yet (``statistics.py``)."""
    counters: Counters = field(default_factory=Counters)
    programs: dict[str, Program] = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)
    """Turns that wait or run."""
    held: dict[int, TurnArrived] = field(default_factory=dict)
    """Turns that arrived during a weight sync, in order."""
    idle: OrderedIndex[Program] = field(default_factory=OrderedIndex)
    """Programs without a turn, longest idle first."""
    paused: OrderedIndex[Program] = field(default_factory=OrderedIndex)
    """Programs that were paused between turns and have had no turn since, smallest first; for policies with a tick."""
    syncing_since_s: float | None = None
    births: int = 0
    now: float = 0.0
    """Time of the event in hand."""
    alarm_s: float = math.inf
    """When the host was asked to send a timer; infinite: not yet."""
    next_tick_s: float = math.inf
    effects: list[Effect] = field(default_factory=list)
    """Of the event in hand."""
    grown: dict[int, Backend] = field(default_factory=dict)
    """Backends that may hold too much since the event in hand."""
    arrivals: list[Turn] = field(default_factory=list)
    """Turns that joined the line with the event in hand."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.policy.load, marks=self.policy.marks)
        self.line = WaitingLine(self.policy.line_key, self.policy.max_wait_s)

    def became_idle(self, program: Program) -> None:
        """No turn of the program is left: its time to live starts."""
        self.idle.put(program, self.now)

    @property
    def first_expiry_s(self) -> float:
        """When the longest idle program will have been idle for too long; infinite: never."""
        if self.limits.idle_ttl_s is None:
            return math.inf
        since_s: float = self.idle.first_key(math.inf)
        return since_s + self.limits.idle_ttl_s
