"""The steps of a simulation as profiles: what a run writes on real engines, so that the same tools read it."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from thunderagent.adapters.tracking.files import ProfileFiles
from thunderagent.adapters.tracking.rows import KINDS
from thunderagent.runtime import StepProfile
from thunderagent.simulation.driver import Driver

CHUNK = 1_000
"""Steps that are written together."""


@dataclass(slots=True)
class _Past:
    steps: int = 0
    last_end_s: float | None = None
    context_tokens: int = 0


def steps(driver: Driver, since_s: float) -> Iterator[StepProfile]:
    """Those that ended after ``since_s``. Times are simulated seconds, ``*_at`` since the simulation began.

    Where an engine died under a turn, the lost try counts as held back.
    """
    pasts: dict[int, _Past] = {}
    for turn in driver.finished_turns:
        past = pasts.setdefault(turn.program, _Past())
        past.steps += 1
        tool_call_s = 0.0 if past.last_end_s is None else max(0.0, turn.arrived_s - past.last_end_s)
        reprefilled_tokens = max(0, min(past.context_tokens, turn.prompt_tokens) - turn.cached_tokens)
        past.last_end_s, past.context_tokens = turn.ended_s, turn.prompt_tokens + turn.completion_tokens
        if turn.ended_s <= since_s:
            continue
        script = driver.programs[turn.program].script
        yield StepProfile(
            program_id=script.program_id,
            step_id=past.steps,
            prefill_s=turn.prefill_s,
            decode_s=max(0.0, turn.ended_s - turn.started_s - turn.prefill_s),
            pause_s=turn.admitted_s - turn.arrived_s,
            tool_call_s=tool_call_s,
            kv_hit_rate=turn.cached_tokens / turn.prompt_tokens,
            completed_at=turn.ended_s,
            arrived_at=turn.arrived_s,
            queue_s=turn.started_s - turn.admitted_s,
            prompt_tokens=turn.prompt_tokens,
            cached_tokens=turn.cached_tokens,
            completion_tokens=turn.completion_tokens,
            reprefilled_tokens=reprefilled_tokens,
            backend=turn.engine,
            group=script.group,
            phase="",
            outcome="completed",
            tool=turn.tool,
        )


def write_steps(folder: Path, driver: Driver, since_s: float) -> None:
    """``profile.jsonl`` and ``profile.csv`` of one simulation, in the place of those that are there.

    Raises:
        OSError: they cannot be written.
    """
    kind, following = KINDS[StepProfile], steps(driver, since_s)
    with contextlib.closing(ProfileFiles(folder, kind, max_bytes=sys.maxsize, keep=0)) as files:
        files.begin()
        while chunk := list(itertools.islice(following, CHUNK)):
            files.append(*kind.lines(chunk))
