"""Programs, engines and tools of a run, one row each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thunderagent.study.recorded.metrics import LEAST_S, hit_rate
from thunderagent.study.recorded.steps import Floats, Ints, Steps, totals

MAX_ROWS = 15


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """One program. Times in seconds."""

    name: str
    group: str
    steps: int
    length_s: float
    wait_s: float
    engine_s: float
    tool_s: float
    hit_rate: float
    reprefilled_tokens: float


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One backend."""

    name: str
    steps: int
    programs: int
    hit_rate: float
    reprefilled_tokens: float
    wait_p99_s: float
    generated_tokens: float


@dataclass(frozen=True, slots=True)
class ToolRow:
    """All calls of one tool that a later turn of the program has ended. Times in seconds."""

    name: str
    calls: int
    p50_s: float
    p99_s: float
    total_s: float


class Ranking:
    """All programs by what they took."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.begin_s: Floats = steps.number["arrived_at"][steps.first]
        self.length_s: Floats = np.maximum.reduceat(steps.number["completed_at"], steps.first) - self.begin_s
        self.wait_s = totals(steps, steps.wait_s)

    def slowest(self, count: int = MAX_ROWS) -> Ints:
        """Whose first arrival and last completion lie furthest apart."""
        return np.argsort(-self.length_s, kind="stable")[:count]

    def most_waiting(self, count: int = MAX_ROWS) -> Ints:
        """In sum over their turns; those that hardly waited are left out."""
        order = np.argsort(-self.wait_s, kind="stable")[:count]
        return order[self.wait_s[order] > LEAST_S]

    def spread(self, count: int) -> Ints:
        """Evenly over the order of birth."""
        born = np.argsort(self.begin_s, kind="stable")
        return born[np.unique(np.linspace(0, len(born) - 1, min(count, len(born))).astype(np.int64))]

    def name(self, program: int) -> str:
        """Its id."""
        return self._steps.names["program_id"][int(self._steps.code["program_id"][self._steps.first[program]])]

    def rows(self, programs: Ints) -> list[ProgramRow]:
        """For a table."""
        return [self._row(int(program)) for program in programs]

    def _row(self, program: int) -> ProgramRow:
        steps = self._steps
        own = slice(steps.first[program], steps.last()[program] + 1)
        number = {name: column[own] for name, column in steps.number.items()}
        in_engine = number["completed_at"] - number["arrived_at"] - steps.wait_s[own]
        return ProgramRow(
            name=self.name(program),
            group=steps.names["group"][steps.code["group"][own][0]],
            steps=len(number["step_id"]),
            length_s=float(self.length_s[program]),
            wait_s=float(self.wait_s[program]),
            engine_s=float(np.maximum(in_engine, 0.0).sum()),
            tool_s=float(number["tool_call_s"].sum()),
            hit_rate=hit_rate(number["cached_tokens"], number["prompt_tokens"]),
            reprefilled_tokens=float(np.nansum(number["reprefilled_tokens"])),
        )


def engine_rows(steps: Steps, limit: int = 32) -> list[EngineRow]:
    """Those with the most steps first."""
    counts = np.bincount(steps.code["backend"])
    return [_engine(steps, int(code)) for code in np.argsort(-counts, kind="stable")[:limit]]


def _engine(steps: Steps, code: int) -> EngineRow:
    here = steps.code["backend"] == code
    number = {name: column[here] for name, column in steps.number.items()}
    return EngineRow(
        name=steps.names["backend"][code],
        steps=int(here.sum()),
        programs=len(np.unique(steps.code["program_id"][here])),
        hit_rate=hit_rate(number["cached_tokens"], number["prompt_tokens"]),
        reprefilled_tokens=float(np.nansum(number["reprefilled_tokens"])),
        wait_p99_s=float(np.percentile(steps.wait_s[here], 99)),
        generated_tokens=float(number["completion_tokens"].sum()),
    )


def tool_rows(steps: Steps, limit: int = MAX_ROWS) -> list[ToolRow]:
    """Those that took most of all time first. A step's ``tool`` is what its answer called; the step after it tells the time."""
    follows = np.ones(len(steps), bool)
    follows[steps.first] = False
    after = np.flatnonzero(follows)
    tools, times = steps.code["tool"][after - 1], steps.number["tool_call_s"][after]
    rows = []
    for code, name in enumerate(steps.names["tool"]):
        if name and len(own := times[tools == code]):
            p50, p99 = np.percentile(own, (50, 99))
            rows.append(ToolRow(name, len(own), float(p50), float(p99), float(own.sum())))
    return sorted(rows, key=lambda row: -row.total_s)[:limit]
