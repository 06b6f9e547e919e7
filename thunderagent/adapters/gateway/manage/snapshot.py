"""What happens in a gateway now, in one object: totals, engines, and the programs that matter most."""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import nsmallest
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from thunderagent import __version__
from thunderagent.adapters.gateway.manage.backends import committed_tokens
from thunderagent.adapters.gateway.manage.managed import Managed, Worker
from thunderagent.core import Explanation, Program, Status
from thunderagent.core.ledger import Backend
from thunderagent.runtime import Runtime


class EngineNow(msgspec.Struct, kw_only=True):
    """One engine, or a data-parallel rank of it, as the scheduler's account has it."""

    id: str
    url: str
    healthy: Annotated[bool, Meta(description="Whether it answers, and rightly.")]
    paused: Annotated[bool, Meta(description="It was stopped and gets no new turns.")]
    draining: bool
    breaker: Annotated[str, Meta(description="closed: it gets requests; open: none; half_open: a probe.")]
    last_problem: str | None
    capacity_tokens: int | None
    committed_tokens: Annotated[int, Meta(description="KV of the programs counted here, shared starts once.")]
    acting_tokens: Annotated[int, Meta(description="Of these: of programs in tool calls, without shared starts.")]
    running_turns: int
    programs: Annotated[int, Meta(description="Programs whose KV is counted here.")]
    kv_hit_rate: Annotated[float | None, Meta(description="Of its prefix cache since its start, as it tells; null: it does not.")]
    prefix_queried_tokens: Annotated[int | None, Meta(description="The same in tokens: the rate of a while is in two looks.")]
    prefix_hit_tokens: int | None
    usage: Annotated[float | None, Meta(description="Share of its KV cache that running requests hold, as it tells.")]


class ProgramNow(msgspec.Struct, kw_only=True):
    """One program."""

    id: str
    group: str
    phase: str
    state: Annotated[
        Literal["active", "paused", "parked"],
        Meta(description="Active: its KV is counted on an engine. Paused: given up. Parked: a turn of it waits."),
    ]
    status: Annotated[Literal["reasoning", "acting"], Meta(description="Reasoning: a turn of it runs or waits.")]
    backend: Annotated[str | None, Meta(description="Where its KV is, or was last.")]
    tokens: Annotated[int, Meta(description="Of its context.")]
    steps: Annotated[int, Meta(description="That have ended.")]
    tool: Annotated[str, Meta(description="The one that it runs, if that is known.")]
    since_s: Annotated[float | None, Meta(description="How long it waits, its oldest turn runs, or its tool call takes.")]
    decoding: Annotated[bool, Meta(description="A turn of it has had its first token; those that are not streamed tell none.")]
    waited_s: Annotated[float | None, Meta(description="How long its turn has been held back; null: none is.")]
    waits_for: Annotated[str | None, Meta(description="In words.")]
    ahead: Annotated[int | None, Meta(description="Programs that go first.")]
    sandboxes: Annotated[int, Meta(description="That it has or will have.")]


class Snapshot(msgspec.Struct, kw_only=True):
    """A gateway at one moment."""

    at: Annotated[float, Meta(description="Unix time.")]
    mode: Annotated[str, Meta(description="The scheduling policy.")]
    version: str
    draining: bool
    totals: Annotated[dict[str, float], Meta(description="Gauges, and totals since the start.")]
    engines: list[EngineNow]
    programs: Annotated[list[ProgramNow], Meta(description="The first of them, as sorted.")]
    programs_total: int


Key = tuple[float | str, ...]


class _Row(msgspec.Struct, gc=False):
    """A program before it is put in words; there are thousands, so that nothing is asked of it that its order does not need."""

    program: Program
    parked: bool
    runtime: Runtime

    @property
    def steps(self) -> int:
        return self.runtime.steps(self.program.id)

    @property
    def since_s(self) -> float | None:
        """Since when it is as it is, by the scheduler's clock."""
        program = self.program
        if program.waiting:
            return program.waiting[0].arrived_s
        admitted = [turn.admitted_s for turn in program.running if turn.admitted_s is not None]
        return min(admitted) if admitted else program.acting_since_s

    @property
    def urgency(self) -> Key:
        """Who waits comes first, in the line's order; then who runs, who is in a tool call, who gave way; longest first."""
        if self.parked:
            return (0.0, *self.runtime.scheduler.rank(self.program.id))
        state = 1.0 if self.program.running else 2.0 if self.program.backend is not None else 3.0
        return (state, self.since_s or 0.0)


_ORDERS: dict[str, Callable[[_Row], Key]] = {
    "state": lambda row: row.urgency,
    "waited": lambda row: (0.0, row.since_s or 0.0) if row.parked else (1.0, *row.urgency),
    "tokens": lambda row: (-row.program.context_tokens,),
    "steps": lambda row: (-row.steps,),
    "id": lambda row: (row.program.id,),
}
SORTS = tuple(_ORDERS)
"""In which orders programs are shown: ``_ORDERS`` says how."""


def snapshot(gateway: Managed, limit: int, sort: str) -> Snapshot:
    """As it is now, with ``limit`` programs. O(n log limit) in all programs, O(n log n) in those in line."""
    runtime = gateway.runtime
    rows = _rows(runtime)
    shown = nsmallest(limit, rows, key=_ORDERS[sort])
    waiting = {row.program.id for row in shown if row.parked}
    explanations = {e.program_id: e for e in runtime.scheduler.explain_all(waiting)} if waiting else {}
    return Snapshot(
        at=time.time(),
        mode=gateway.mode,
        version=__version__,
        draining=gateway.draining,
        totals=_totals(gateway),
        engines=_engines(gateway),
        programs=[_program(gateway, row, explanations.get(row.program.id)) for row in shown],
        programs_total=len(rows),
    )


def _rows(runtime: Runtime) -> list[_Row]:
    scheduler = runtime.scheduler
    programs = scheduler.programs
    parked = set() if runtime.degraded else set(scheduler.parked_ids())  # a failed policy explains nothing
    rows = [_Row(program, name in parked, runtime) for name, program in programs.items()]
    held = [name for name in parked if name not in programs]  # all that there is of it is a turn held back by a weight sync
    return rows + [_Row(Program(name, birth=0, held_turns=1), True, runtime) for name in held]


def _totals(gateway: Managed) -> dict[str, float]:
    totals = gateway.runtime.totals
    tools = {} if gateway.tools is None else gateway.tools.snapshot()
    return {
        **gateway.runtime.snapshot(),
        "prompt_tokens": totals.prompt_tokens,
        "cached_tokens": totals.cached_tokens,
        "completion_tokens": totals.completion_tokens,
        **{f"tools_{name}": value for name, value in tools.items()},
    }


def _engines(gateway: Managed) -> list[EngineNow]:
    known = gateway.runtime.scheduler.ledger.backends
    return [
        _engine(worker, known.get(name) or Backend(name, 0, worker.capacity_tokens))
        for worker in gateway.workers.list()
        for name in worker.backends or (worker.url,)
    ]


def _engine(worker: Worker, backend: Backend) -> EngineNow:
    load = worker.loads.get(backend.id)
    queried, hit = (None, None) if load is None else (load.queried_tokens, load.hit_tokens)
    return EngineNow(
        id=backend.id,
        url=worker.url,
        healthy=worker.healthy,
        paused=worker.paused,
        draining=worker.draining,
        breaker=worker.breaker,
        last_problem=worker.last_problem,
        capacity_tokens=backend.capacity_tokens,
        committed_tokens=committed_tokens(backend),
        acting_tokens=backend.private_acting_tokens,
        running_turns=sum(len(program.running) for program in backend.programs.values()),
        programs=backend.resident,
        kv_hit_rate=round(hit / queried, 4) if queried and hit is not None else None,
        prefix_queried_tokens=queried,
        prefix_hit_tokens=hit,
        usage=None if load is None else load.usage,
    )


def _program(gateway: Managed, row: _Row, explanation: Explanation | None) -> ProgramNow:
    program, runtime = row.program, gateway.runtime
    waited_s = None if explanation is None else round(explanation.waited_s + runtime.since_event_s, 3)
    now_s = runtime.scheduler.now_s + runtime.since_event_s
    since_s = None if row.since_s is None else round(max(0.0, now_s - row.since_s), 3)
    active = program.status in (Status.REASONING, Status.ACTING)
    return ProgramNow(
        id=program.id,
        group="" if program.group is None else program.group.name,
        phase=program.phase,
        state="parked" if row.parked else "active" if active else "paused",
        status="acting" if program.idle else "reasoning",
        backend=program.origin_id if program.backend is None else program.backend.id,
        tokens=program.context_tokens,
        steps=row.steps,
        tool=program.tool,
        since_s=since_s if waited_s is None else waited_s,
        decoding=any(turn.first_token_s is not None for turn in program.running),
        waited_s=waited_s,
        waits_for=None if explanation is None else explanation.waits_for,
        ahead=None if explanation is None else explanation.ahead,
        sandboxes=0 if gateway.tools is None else len(gateway.tools.of_program(program.id)),
    )
