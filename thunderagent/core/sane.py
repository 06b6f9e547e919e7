"""Numbers from outside: what cannot be is counted and made harmless."""

from __future__ import annotations

import math
from dataclasses import replace

from thunderagent.core.counters import Counters
from thunderagent.core.events import TurnArrived
from thunderagent.core.usage import Usage


def tokens(value: float, counters: Counters) -> int:
    """A count; negative and not finite ones become 0."""
    if value.__class__ is int and value >= 0:
        return int(value)
    if not math.isfinite(value) or value < 0:
        counters.bad_values += 1
        return 0
    return int(value)


def arrival(event: TurnArrived, counters: Counters) -> TurnArrived:
    """An arrival whose counts beside the prompt's tokens are usable."""
    characters, images, prefix, start = (
        *(event.prompt_characters, event.prompt_images),
        *(event.prefix_tokens, event.prefix_characters),
    )
    if characters.__class__ is images.__class__ is prefix.__class__ is start.__class__ is event.priority.__class__ is int and (
        characters >= 0 and images >= 0 and prefix >= 0 and start >= 0
    ):
        return event
    return replace(
        event,
        prompt_characters=tokens(event.prompt_characters, counters),
        prompt_images=tokens(event.prompt_images, counters),
        prefix_tokens=tokens(event.prefix_tokens, counters),
        prefix_characters=tokens(event.prefix_characters, counters),
        priority=int(event.priority) if math.isfinite(event.priority) else tokens(event.priority, counters),
    )


def usage(given: Usage | None, counters: Counters) -> Usage | None:
    """Counts of a turn; without a usable prompt or completion count, nothing is known."""
    if given is None or _is_sane(given.prompt_tokens, given.completion_tokens, given.cached_tokens, given.prefill_s):
        return given
    counters.bad_values += 1
    if not (_is_count(given.prompt_tokens) and _is_count(given.completion_tokens)):
        return None
    cached = given.cached_tokens
    prefill_s = given.prefill_s
    return Usage(
        int(given.prompt_tokens),
        int(given.completion_tokens),
        min(int(cached), int(given.prompt_tokens)) if cached is not None and _is_count(cached) else None,
        prefill_s if prefill_s is not None and _is_count(prefill_s) else None,
    )


def _is_sane(prompt: int, completion: int, cached: int | None, prefill_s: float | None) -> bool:
    return (
        0 <= prompt < math.inf
        and 0 <= completion < math.inf
        and (cached is None or 0 <= cached <= prompt)
        and (prefill_s is None or 0 <= prefill_s < math.inf)
    )


def _is_count(value: float) -> bool:
    return 0 <= value < math.inf
