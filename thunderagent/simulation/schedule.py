"""What one step of an engine computes, and whom it admits and preempts for it: vLLM v1's scheduling."""

from __future__ import annotations

from itertools import takewhile

from thunderagent.simulation.batch import Batch
from thunderagent.simulation.engine_state import EngineState
from thunderagent.simulation.request import Request


def schedule(state: EngineState, now_s: float) -> Batch:
    """Serve the running requests, then admit waiting ones, within the token budget of one step.

    Blocks that are filled are published when scheduled, as in vLLM: requests admitted in the same step share them already.
    """
    batch = Batch(state.spec.max_batched_tokens)
    _serve_running(state, batch)
    for request, tokens in batch.tokens.items():
        state.publish(request, request.computed_tokens - tokens, request.computed_tokens)
    if not batch.preempted:  # such a step admits nobody, as in vLLM
        _admit_waiting(state, batch, now_s)
    return batch


def lookup(state: EngineState, request: Request) -> tuple[list[int], int]:
    """The names of the blocks of a waiting request that may be found in the cache, and how many blocks it needs in all."""
    block_size = state.spec.block_size_tokens
    # At least one token must be computed to get the logits of the next.
    return request.hashes[: (request.known_tokens - 1) // block_size], -(-request.known_tokens // block_size)


def _serve_running(state: EngineState, batch: Batch) -> None:
    block_size = state.spec.block_size_tokens
    for request in list(state.running):
        if batch.budget_tokens <= 0:
            return
        if request.holding is None:  # preempted for one before it
            continue
        tokens = min(request.known_tokens, request.computed_tokens + batch.budget_tokens)
        if tokens > request.holding.blocks * block_size and not _grow(state, request, tokens, batch):
            return
        batch.take(request)


def _grow(state: EngineState, request: Request, tokens: int, batch: Batch) -> bool:
    """Give a running request blocks for so many tokens, preempting others for it; False if it was preempted itself."""
    assert request.holding is not None
    missing = -(-tokens // state.spec.block_size_tokens) - request.holding.blocks
    while state.cache.available_blocks < missing:
        batch.take_back(state.preempt())
        if request.holding is None:
            return False
    state.cache.grow(request.holding, missing)
    return True


def _admit_waiting(state: EngineState, batch: Batch, now_s: float) -> None:
    while state.waiting and batch.budget_tokens > 0 and len(state.running) < state.spec.max_running:
        request = state.waiting.first
        if not _admit(state, request, batch, now_s):
            return
        state.waiting.remove(request)
        tokens = batch.take(request)
        state.publish(request, request.computed_tokens - tokens, request.computed_tokens)


def _admit(state: EngineState, request: Request, batch: Batch, now_s: float) -> bool:
    """Start running with the blocks of the first chunk; False if those of all known tokens would not fit now."""
    block_size = state.spec.block_size_tokens
    names, blocks = lookup(state, request)
    claim = state.cache.claim(names, blocks, -(-batch.budget_tokens // block_size))
    if claim is None:
        return False
    found_blocks = claim.device_blocks + claim.host_blocks
    cached_tokens, loaded_tokens = found_blocks * block_size, claim.host_blocks * block_size
    request.holding = claim.holding
    request.computed_tokens = cached_tokens
    request.prefill_until_tokens = request.known_tokens
    state.running.append(request)
    batch.loaded_tokens += loaded_tokens
    counters = state.counters
    counters.reprefilled_tokens += block_size * len(list(takewhile(state.seen.__contains__, names[found_blocks:])))
    if request.admitted_s is None:
        request.admitted_s = now_s
        request.cached_tokens, request.host_cached_tokens = cached_tokens, loaded_tokens
        counters.prefix_cache_queries_tokens += request.prompt_tokens
        counters.prefix_cache_hits_tokens += cached_tokens
        counters.host_hits_tokens += loaded_tokens
    return True
