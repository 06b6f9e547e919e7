"""What programs do, as spans of time: calculated from their steps, and how many do it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from thunderagent.study.recorded.steps import Floats, Steps


@dataclass(frozen=True, slots=True)
class State:
    """How it is called and drawn."""

    label: str
    meaning: str
    colour: str


STATES = {
    "tool": State("tool", "runs a tool, or whatever else lies between two turns", "#ddb84a"),
    "paused": State("paused", "held back by the scheduler", "#aeb4be"),
    "queued": State("queued", "on its way to the engine, and in its queue", "#c2507a"),
    "prefill": State("prefill", "its prompt is computed, where the engine tells so", "#6fc0c6"),
    "decode": State("decode", "its tokens are generated", "#1b7f8c"),
}
"""In the order in which a step passes through them. Colours are those of simulated programs, prefill being a lighter decode."""
IN_ENGINE = State("in the engine", "its queue, prefill and decode, which the engine does not tell apart", STATES["decode"].colour)
SEEN = 0.001
"""Of all time; less is not worth a key."""
Spans = dict[str, tuple[Floats, Floats]]
"""By state: when it begins and ends, of each step, in seconds from the run's begin; equal where there was none of it."""


def spans_of(steps: Steps) -> Spans:
    """Without overlaps within a step. Of a step's end the engine's times are certain, so they are laid from there backwards."""
    arrived, completed = steps.number["arrived_at"], steps.number["completed_at"]
    entered = np.minimum(arrived + steps.number["pause_s"], completed)
    decode = np.maximum(entered, completed - np.nan_to_num(steps.number["decode_s"], nan=np.inf))
    prefill = np.maximum(entered, decode - np.nan_to_num(steps.number["prefill_s"]))
    tool = np.maximum(0.0, arrived - steps.number["tool_call_s"])
    return {
        "tool": (tool, arrived),
        "paused": (arrived, entered),
        "queued": (entered, prefill),
        "prefill": (prefill, decode),
        "decode": (decode, completed),
    }


def states_of(all_spans: Iterable[Spans]) -> dict[str, State]:
    """Those that there is something to see of in any run; decode is all of the time in engines that tell no prefill."""
    spent = {state: sum(float((spans[state][1] - spans[state][0]).sum()) for spans in all_spans) for state in STATES}
    seen = {state: STATES[state] for state in STATES if spent[state] > SEEN * sum(spent.values())}
    if "prefill" not in seen and "decode" in seen:
        seen["decode"] = IN_ENGINE
    return seen


def at_once(begins: Floats, ends: Floats, edges: Floats) -> Floats:
    """Mean number of spans under way between two edges each."""
    known: Floats = np.diff(_time_spent(begins, edges) - _time_spent(ends, edges)) / np.diff(edges)
    return np.maximum(known, 0.0)  # sums of large floats


def _time_spent(begins: Floats, edges: Floats) -> Floats:
    """Until each edge, by spans that never end: one sort in the place of a loop over spans."""
    ordered = np.sort(begins)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    begun = np.searchsorted(ordered, edges)
    spent: Floats = begun * edges - sums[begun]
    return spent
