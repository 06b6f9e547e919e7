"""What a scheduler has learned and counted, as plain data that outlives it. Whatever comes back, it does no harm."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import islice
from typing import Any

from thunderagent.core.events import StatisticsRecovered
from thunderagent.core.ledger import Backend
from thunderagent.core.state import State

RATIOS = (0.5, 20.0)
"""Characters per token that a text can have: from scripts of several tokens per character to long runs of blanks."""
FITS = (0.2, 1.5)
"""As ``thunder`` bounds its correction of capacities."""

MAX_AWAITED = 1_024
"""Backends that are gone and may come back; autoscaled ones come under ever new names."""


def remember(state: State) -> dict[str, Any]:
    """Nothing but dicts, lists, strings and numbers. O(tools + backends)."""
    backends = {backend.id: _of_backend(backend) for backend in state.ledger.backends.values()}
    return {
        "counters": asdict(state.counters),
        "characters_per_token": state.estimator.characters_per_token,
        "tools": state.tools.remember(),
        "backends": state.awaited | backends,
    }


def recovered(state: State, event: StatisticsRecovered) -> None:
    """Learn from it what is not known better already; twice is as good as once. What cannot be is left out, and counted."""
    told = event.statistics
    for name, value in _dict(told.get("counters")).items():
        if name in asdict(state.counters):
            setattr(state.counters, name, max(getattr(state.counters, name), int(_number(state, value, 0, 2.0**53) or 0)))
    ratio = _number(state, told.get("characters_per_token"), *RATIOS)
    if ratio is not None:
        state.estimator.characters_per_token = ratio
    state.counters.bad_values += state.tools.recover(_dict(told.get("tools")))
    for name, backend in islice(_dict(told.get("backends")).items(), MAX_AWAITED):
        state.awaited[name] = _dict(backend)
    for known in state.ledger.backends.values():
        recall(state, known)


def recall(state: State, backend: Backend) -> None:
    """What is remembered of a backend, now that it is here."""
    told = state.awaited.pop(backend.id, None)
    if told is None:
        return
    backend.undisturbed_tokens_per_s = backend.undisturbed_tokens_per_s or _number(state, told.get("tokens_per_s"), 1.0, 1e9)
    fit = _number(state, told.get("fit"), *FITS)
    if fit is not None and backend.fit == 1.0:
        backend.fit = fit
    state.counters.bad_values += backend.turn_times.recover(told.get("turn_times"))


def _of_backend(backend: Backend) -> dict[str, Any]:
    speed, times = backend.undisturbed_tokens_per_s, backend.turn_times.remember()
    return {"fit": backend.fit, "turn_times": times, **({} if speed is None else {"tokens_per_s": speed})}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(state: State, value: Any, least: float, most: float) -> float | None:
    """None: it was not told, or cannot be, which is counted."""
    if value is None:
        return None
    if isinstance(value, int | float) and math.isfinite(value) and least <= value <= most:
        return float(value)
    state.counters.bad_values += 1
    return None
