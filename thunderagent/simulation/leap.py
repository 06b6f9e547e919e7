"""Steps of an engine in which nothing happens but that each running request gets one more token, many at once."""

from __future__ import annotations

from thunderagent.simulation.engine_state import EngineState
from thunderagent.simulation.schedule import lookup


def quiet_steps(state: EngineState) -> int:
    """How many steps from now are certain to give each running request one more token and do nothing else.

    No request finishes, starts or is preempted in them. A waiting request that does not fit now does not fit in them either:
    decoding takes blocks and gives none back.
    """
    running = state.running
    for request in running:
        if request.computed_tokens + 1 != request.known_tokens or request.computed_tokens < request.prefill_until_tokens:
            return 0
    if not running or len(running) > state.spec.max_batched_tokens or _admits_one(state):
        return 0
    steps = min(request.total_tokens - request.known_tokens for request in running) - 1
    while steps > 0 and blocks_for(state, steps) > state.cache.available_blocks:
        steps //= 2
    return steps


def quiet_s(state: EngineState, steps: int) -> float:
    """Seconds that the next so many `quiet_steps` take."""
    kv_tokens_read = sum(request.known_tokens for request in state.running)
    growth = len(state.running) * steps * (steps - 1) / 2
    return steps * state.spec.decode_step_s + (steps * kv_tokens_read + growth) * state.spec.decode_s_per_kv_token


def leap(state: EngineState, steps: int) -> None:
    """Run so many `quiet_steps` at once; the same as `step` as often, but for the rounding of times."""
    block_size = state.spec.block_size_tokens
    for request in state.running:
        assert request.holding is not None
        before = request.computed_tokens
        after = request.computed_tokens = before + steps
        request.known_tokens += steps
        state.cache.grow(request.holding, max(0, -(-after // block_size) - request.holding.blocks))
        state.publish(request, before, after)
    state.counters.generation_tokens += steps * len(state.running)


def blocks_for(state: EngineState, steps: int) -> int:
    """Blocks that the running requests lack for so many more tokens each."""
    block_size = state.spec.block_size_tokens
    return sum(
        -(-(request.computed_tokens + steps) // block_size) - request.holding.blocks
        for request in state.running
        if request.holding is not None
    )


def _admits_one(state: EngineState) -> bool:
    """Whether the next step would admit a waiting request."""
    if not state.waiting or len(state.running) >= state.spec.max_running:
        return False
    return state.cache.fits(*lookup(state, state.waiting.first))
