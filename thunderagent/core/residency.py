"""What is known of a backend's KV cache: how much was written into it, how fast prefill is, whether held KV was there.

Usage tells that of every turn that has ended. Engines that publish the events of their KV cache tell between turns, too, how much
of a program's KV is left (``KvResident``): that decides where the program goes on. It changes nothing of what is counted: KV that
was evicted although it was held stays committed, as others have needed its room, and corrects the capacity when its program
comes back, once.
"""

from __future__ import annotations

from thunderagent.core import sane
from thunderagent.core.events import KvResident
from thunderagent.core.ledger import Backend
from thunderagent.core.policies import Policy
from thunderagent.core.state import State
from thunderagent.core.turn import Turn
from thunderagent.core.usage import Usage

BLOCK_TOKENS = 32
"""Engines find whole blocks of at most this size: less than one block is no miss."""
RECENT_SHARE = 0.13
"""Of the capacity: the gap that admissions leave below it. An engine evicts by recency, so KV that is older than what was written
into this gap is lost whatever the capacity is; only a miss of more recent KV says that too much is held."""
MIN_PREFILL_TOKENS = 256
"""Shorter prefills measure the step's fixed cost, not the speed."""
SPEED_UP_RATE, SPEED_DOWN_RATE = 0.3, 0.01
"""The speed of an engine is that of its undisturbed prefills: up at once, down only when slow ones persist."""


def told(state: State, event: KvResident) -> None:
    """An engine tells how much it still has of what a program's last turn left there."""
    program, backend = state.programs.get(event.program_id), state.ledger.backends.get(event.backend_id)
    if program is None or backend is None:
        state.counters.late_events += 1
    elif program.epoch == backend.epoch and not program.running:  # else it is about KV that is not used any more
        program.cached_tokens = None if event.tokens is None else sane.tokens(event.tokens, state.counters)


def note_usage(policy: Policy, backend: Backend, turn: Turn, usage: Usage, now: float, *, waiting: bool) -> None:
    """Take in the exact counts of a turn that ran here."""
    cached_tokens = usage.cached_tokens
    if cached_tokens is None and turn.told_cached_tokens is not None:
        cached_tokens = min(turn.told_cached_tokens, usage.prompt_tokens)
    if cached_tokens is None:
        backend.written_tokens += max(0, usage.prompt_tokens - turn.expected_cached_tokens) + usage.completion_tokens
        return
    computed_tokens = usage.prompt_tokens - cached_tokens
    backend.written_tokens += computed_tokens + usage.completion_tokens
    _note_times(backend, turn, usage, computed_tokens, now)
    shared_tokens = turn.program.shared_tokens
    expected_tokens = min(turn.expected_cached_tokens, usage.prompt_tokens) - shared_tokens - BLOCK_TOKENS
    if expected_tokens > 0 and turn.epoch == backend.epoch and _is_recent(backend, turn):
        policy.returned(backend, expected_tokens, max(0, cached_tokens - shared_tokens), waiting=waiting)


def _is_recent(backend: Backend, turn: Turn) -> bool:
    """Whether little has been written since the program's last turn, this one included."""
    written_tokens = backend.written_tokens - turn.program.written_mark
    return backend.capacity_tokens is None or written_tokens < RECENT_SHARE * backend.capacity_tokens


def _note_times(backend: Backend, turn: Turn, usage: Usage, computed_tokens: int, now: float) -> None:
    assert turn.admitted_s is not None, "it ran"
    took_s = usage.prefill_s
    if turn.adopted and took_s is None:
        return
    if took_s is None and turn.first_token_s is not None:
        took_s = turn.first_token_s - turn.admitted_s
    if took_s is None:
        backend.turn_times.observe(computed_tokens, usage.completion_tokens, now - turn.admitted_s)
    elif took_s > 0 and computed_tokens >= MIN_PREFILL_TOKENS:
        _note_prefill(backend, computed_tokens / took_s)


def _note_prefill(backend: Backend, tokens_per_s: float) -> None:
    known = backend.undisturbed_tokens_per_s
    if known is None:
        backend.undisturbed_tokens_per_s = tokens_per_s
        return
    change = tokens_per_s - known
    backend.undisturbed_tokens_per_s = known + change * (SPEED_UP_RATE if change > 0 else SPEED_DOWN_RATE)
