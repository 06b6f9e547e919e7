"""All state of a simulated engine, and the changes that more than one of its parts makes."""

from __future__ import annotations

from thunderagent.simulation.events import EngineCounters
from thunderagent.simulation.kv_cache import KVCache
from thunderagent.simulation.prefix_hash import SeenPrefixes, extend_chain
from thunderagent.simulation.request import Request
from thunderagent.simulation.spec import EngineSpec
from thunderagent.simulation.waiting_queue import WaitingQueue, urgency

# Two million blocks of 16 tokens are 32 million different tokens, more than a long run makes, in at most about 150 MB.
SEEN_PREFIXES_LIMIT = 2_000_000


class EngineState:
    """Requests, KV cache and totals of one engine."""

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec
        self.counters = EngineCounters()
        self.cache = KVCache(spec.num_blocks, spec.host_blocks)
        self.seen = SeenPrefixes(SEEN_PREFIXES_LIMIT)
        self.requests: dict[str, Request] = {}
        """Waiting and running ones by id."""
        self.waiting = WaitingQueue()
        self.running: list[Request] = []
        """In order of admission."""

    def extend_names(self, request: Request, tokens: int) -> None:
        """Name the full blocks among so many first tokens of a request."""
        block_size = self.spec.block_size_tokens
        extend_chain(request.hashes, request.root, request.tokens, tokens // block_size, block_size)

    def publish(self, request: Request, before: int, after: int) -> None:
        """Let others find the blocks that were filled between two counts of computed tokens."""
        block_size = self.spec.block_size_tokens
        first, last = before // block_size, after // block_size
        if first == last:
            return
        assert request.holding is not None
        self.extend_names(request, after)
        names = request.hashes[first:last]
        self.cache.publish(request.holding, names)
        self.seen.add(names)

    def stop(self, request: Request) -> None:
        """A running request gives its blocks back; their content stays cached."""
        assert request.holding is not None
        self.cache.release(request.holding)
        request.holding = None

    def preempt(self) -> Request:
        """Take the KV of the least urgent running request and let it wait again."""
        request = max(self.running, key=urgency)
        self.running.remove(request)
        self.stop(request)
        request.computed_tokens = 0
        request.preemptions += 1
        self.waiting.add(request)
        self.counters.preemptions += 1
        return request
