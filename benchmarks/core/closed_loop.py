"""Agents in a closed loop against a scheduler, in simulated time: the events that they make are the benchmark's input.

Coding agents as in the study of ``thunder``: contexts grow from 2k to 16k tokens over some 30 turns, tools take 1.5 s with a long
tail, prompts come in groups of eight below one system prompt, and eight new programs start whenever eight are over. The first
programs jump to a random point of their life with their second turn, so that the mix of ages is steady from the start.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from thunderagent.core import (
    Admit,
    BackendJoined,
    Effect,
    Event,
    FirstToken,
    ProgramReleased,
    Refuse,
    Scheduler,
    TimerFired,
    TurnArrived,
    TurnEnded,
    Usage,
    WakeAt,
)
from thunderagent.core.ledger import Backend

GROUP = 8
TURNS = (20, 40)
SYSTEM_TOKENS = 1_500
FIRST_PROMPT_TOKENS = 2_000
COMPLETION_TOKENS = (160.0, 0.6)
"""Median and sigma of a lognormal distribution, as all pairs below; mean 190."""
OUTPUT_TOKENS = (180.0, 0.9)
"""Of a tool call; mean 270."""
TOOL_S = (1.5, 1.58)
"""99% take less than 60 s."""
LONGEST_TOOL_S = 600.0
TOOLS = ("bash", "edit", "search", "test", "read", "submit")
PREFILL_TOKENS_PER_S = 9_000.0
DECODE_TOKENS_PER_S = 50.0
MEAN_CONTEXT_TOKENS = 9_000
LOAD = 3.0
"""All contexts together over all capacity."""
MIN_CAPACITY_TOKENS = 40_000
"""A backend holds the longest context, so at 4 programs per backend the load is lower."""
CHARACTERS_PER_TOKEN = 4.1
START_S = 10.0
"""Over which the first programs come."""
TIMER_LATE_S = 0.001
"""Event loops fire timers a little late; what has become due meanwhile is then done at once."""


class Handles(Protocol):
    """A scheduler, or many as one."""

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """As ``Scheduler.handle``."""


@dataclass(slots=True, eq=False)
class Agent:
    """One program, seen from its client."""

    id: str
    group: str
    turns_left: int
    gives_tokens: bool
    """Every other group counts its tokens exactly (an RL trainer); the others send text (a gateway)."""
    context_tokens: int = 0
    jump_tokens: int = 0
    """To be added once, to start in the middle of a life."""
    prompt_tokens: int = 0
    turn_id: int = 0
    backend_id: str = ""
    """Where its KV was written last."""
    usage: Usage | None = None
    """What the engine will report of the running turn."""


def capacity_tokens(programs: int, backends: int) -> int:
    """Of each backend."""
    return max(MIN_CAPACITY_TOKENS, round(programs * MEAN_CONTEXT_TOKENS / LOAD / backends))


@dataclass(slots=True)
class ClosedLoop:
    """A discrete-event simulation that records what it sends to the scheduler."""

    scheduler: Handles
    programs: int
    backends: int
    seed: int = 0
    keep_effects: bool = False
    now: float = 0.0
    events: list[tuple[Event, float]] = field(default_factory=list)
    effects: list[tuple[Effect, ...]] = field(default_factory=list)
    """Of every event, if they are to be kept."""
    effect_count: int = 0
    turns: int = 0
    """Turns that have ended."""
    _random: random.Random = field(init=False)
    _future: list[tuple[float, int, Callable[[Agent], None], Agent]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _turn_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _groups: itertools.count[int] = field(default_factory=itertools.count)
    _agents: dict[int, Agent] = field(default_factory=dict)
    """By the turn that waits or runs."""
    _over: int = 0
    """Programs that nobody has replaced yet."""
    _alarm_s: float = math.inf

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        for backend_id in self._backend_ids():
            self._send(BackendJoined(backend_id, capacity_tokens(self.programs, self.backends)))
        for _ in range(self.programs // GROUP):
            self._new_group(self._random.uniform(0.0, START_S), first=True)

    def run(self, events: int) -> None:
        """Go on until so many events were sent in all."""
        while len(self.events) < events:
            if self._alarm_s <= self._future[0][0]:
                self.now, self._alarm_s = self._alarm_s, math.inf
                self._send(TimerFired())
            else:
                self.now, _, step, agent = heapq.heappop(self._future)
                step(agent)

    def _backend_ids(self) -> list[str]:
        return [f"http://engine-{number}:8000" for number in range(self.backends)]

    def _new_group(self, at_s: float, *, first: bool = False) -> None:
        number = next(self._groups)
        for _ in range(GROUP):
            turns = self._random.randint(*TURNS)
            agent = Agent(f"run-{self._random.getrandbits(96):024x}", f"prompt-{number}", turns, gives_tokens=number % 2 == 0)
            if first:
                agent.turns_left = self._random.randint(2, turns)
                agent.jump_tokens = (turns - agent.turns_left) * 460
            self._after(at_s - self.now, self._arrive, agent)

    def _arrive(self, agent: Agent) -> None:
        if not agent.context_tokens:
            agent.prompt_tokens = FIRST_PROMPT_TOKENS
        else:
            agent.prompt_tokens = agent.context_tokens + agent.jump_tokens + round(self._draw(OUTPUT_TOKENS))
            agent.jump_tokens = 0
        self._ask(agent)

    def _ask(self, agent: Agent, *, retry: bool = False) -> None:
        agent.turn_id = turn_id = next(self._turn_ids)
        self._agents[turn_id] = agent
        given, text = (
            (agent.prompt_tokens, 0) if agent.gives_tokens else (None, round(agent.prompt_tokens * CHARACTERS_PER_TOKEN))
        )
        self._send(
            TurnArrived(
                agent.id,
                turn_id,
                given,
                agent.group,
                prompt_characters=text,
                prefix="system",
                prefix_tokens=SYSTEM_TOKENS,
                retry=retry,
            )
        )

    def _admitted(self, agent: Agent, backend_id: str) -> None:
        cached_tokens = agent.context_tokens if agent.backend_id == backend_id and not self._evicted(backend_id) else 0
        cached_tokens = min(agent.prompt_tokens, max(SYSTEM_TOKENS, cached_tokens))
        completion_tokens = 1 + round(self._draw(COMPLETION_TOKENS))
        agent.usage = Usage(agent.prompt_tokens, completion_tokens, cached_tokens)
        agent.context_tokens, agent.backend_id = agent.usage.context_tokens, backend_id
        prefill_s = 0.02 + (agent.prompt_tokens - cached_tokens) / PREFILL_TOKENS_PER_S
        self._after(prefill_s, self._first_token, agent)
        self._after(prefill_s + completion_tokens / DECODE_TOKENS_PER_S, self._end, agent)

    def _evicted(self, backend_id: str) -> bool:
        """Engines that are nearly full lose some of what is held: this is what the capacity feedback settles on."""
        backend = self._backend(backend_id)
        full = backend.private_tokens + backend.shared_tokens > 0.97 * (backend.capacity_tokens or math.inf)
        return full and self._random.random() < 0.05

    def _backend(self, backend_id: str) -> Backend:
        assert isinstance(self.scheduler, Scheduler), "only one scheduler is asked"
        return self.scheduler.ledger.backends[backend_id]

    def _first_token(self, agent: Agent) -> None:
        self._send(FirstToken(agent.turn_id))

    def _end(self, agent: Agent) -> None:
        del self._agents[agent.turn_id]
        agent.turns_left -= 1
        self.turns += 1
        self._send(TurnEnded(agent.turn_id, agent.usage, self._random.choice(TOOLS)))
        if agent.turns_left:
            self._after(min(LONGEST_TOOL_S, self._draw(TOOL_S)), self._arrive, agent)
        else:
            self._after(0.1, self._release, agent)

    def _release(self, agent: Agent) -> None:
        self._send(ProgramReleased(agent.id))
        self._over += 1
        if self._over == GROUP:
            self._over = 0
            self._new_group(self.now)

    def _send(self, event: Event) -> None:
        self.events.append((event, self.now))
        effects = self.scheduler.handle(event, self.now)
        self.effect_count += len(effects)
        if self.keep_effects:
            self.effects.append(effects)
        for effect in effects:
            if isinstance(effect, Admit):
                self._admitted(self._agents[effect.turn_id], effect.backend_id)
            elif isinstance(effect, WakeAt):
                self._alarm_s = max(effect.at_s, self.now) + TIMER_LATE_S
            elif isinstance(effect, Refuse):
                raise AssertionError(f"the load fits, but {effect}")

    def _after(self, seconds: float, step: Callable[[Agent], None], agent: Agent) -> None:
        heapq.heappush(self._future, (self.now + seconds, next(self._order), step, agent))

    def _draw(self, lognormal: tuple[float, float]) -> float:
        median, sigma = lognormal
        return self._random.lognormvariate(math.log(median), sigma)
