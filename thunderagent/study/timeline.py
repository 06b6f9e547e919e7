"""What happened in a simulation, for pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from thunderagent.simulation.outcome import FinishedTurn, OpenTurn, Outcome
from thunderagent.simulation.sampler import Sampler
from thunderagent.study.document import Cell, Timeline, Track

TRACKS = 40
"""Programs that a picture can show one below the other."""


def timeline(cell: Cell, sampler: Sampler, outcome: Outcome) -> Timeline:
    """Of one simulation that was sampled."""
    engines = list(sampler.engines.values())
    return Timeline(cell.workload, cell.policy, cell.load, cell.seed, engines, sampler.paused_programs, _tracks(outcome))


def _tracks(outcome: Outcome) -> list[Track]:
    """The first programs that were there in the window."""
    turns: dict[int, list[FinishedTurn | OpenTurn]] = defaultdict(list)
    all_turns: list[FinishedTurn | OpenTurn] = [*outcome.turns, *outcome.open_turns]
    for turn in all_turns:
        if not turn.beside:
            turns[turn.program].append(turn)
    shown = [program for program in outcome.programs if program.number in turns][:TRACKS]
    return [
        Track(program.name, _spans(turns[program.number], outcome.until_s if program.ended_s is None else program.ended_s))
        for program in shown
    ]


def _spans(turns: Sequence[FinishedTurn | OpenTurn], until_s: float) -> list[tuple[str, float, float]]:
    spans: list[tuple[str, float, float]] = []
    for index, turn in enumerate(turns):
        if isinstance(turn, OpenTurn):
            admitted_s = until_s if turn.admitted_s is None else turn.admitted_s
            spans += [("paused", turn.arrived_s, admitted_s), ("reasoning", admitted_s, until_s)]
            continue
        following_s = turns[index + 1].arrived_s if index + 1 < len(turns) else until_s
        spans += [
            ("paused", turn.arrived_s, turn.admitted_s),
            ("queued", turn.admitted_s, turn.started_s),
            ("reasoning", turn.started_s, turn.ended_s),
            ("tool", turn.ended_s, following_s),
        ]
    return [span for span in spans if span[2] > span[1]]
