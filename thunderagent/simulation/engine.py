"""A simulated inference engine: vLLM v1's scheduling over a paged prefix cache, with a roofline for time.

Each step serves the running requests first, in order of admission (one token each while decoding, a chunk while in
prefill), then admits waiting ones first come, first served, within the token budget. A running request that needs a
block when none is available preempts the most recently admitted one, which is computed again later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from thunderagent.simulation.batch import Batch
from thunderagent.simulation.events import (
    EngineCounters,
    Event,
    Finished,
    FirstToken,
    Preempted,
    StepResult,
)
from thunderagent.simulation.kv_cache import KVCache
from thunderagent.simulation.prefix_hash import SeenPrefixes, extend_chain, root_hash
from thunderagent.simulation.request import Request
from thunderagent.simulation.spec import EngineSpec

# Two million blocks of 16 tokens are 32 million different tokens, more than a long run makes, in at most about 150 MB.
SEEN_PREFIXES_LIMIT = 2_000_000


class SimulatedEngine:
    """One engine. Pure: `submit` and `step` are told the time, and `step` answers how long it took."""

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec
        self.counters = EngineCounters()
        self._cache = KVCache(spec.num_blocks)
        self._seen = SeenPrefixes(SEEN_PREFIXES_LIMIT)
        self._requests: dict[str, Request] = {}
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []

    @property
    def running(self) -> int:
        """Requests that hold KV."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests that wait for admission, preempted ones included."""
        return len(self._waiting)

    @property
    def num_blocks(self) -> int:
        """KV blocks of the engine."""
        return self._cache.num_blocks

    @property
    def used_blocks(self) -> int:
        """KV blocks that running requests hold (cached but unreferenced ones are not used, as in vLLM's gauge)."""
        return self._cache.used_blocks

    def __contains__(self, request_id: object) -> bool:
        """Whether a request waits or runs here."""
        return request_id in self._requests

    def completion_tokens(self, request_id: str) -> int:
        """Tokens generated so far by a request in the engine. Raises KeyError for any other."""
        return self._requests[request_id].completion_tokens

    def cached_tokens(self, request_id: str) -> int:
        """Prompt tokens a request in the engine found cached (0 before admission). Raises KeyError for any other."""
        return self._requests[request_id].cached_tokens

    def submit(self, request_id: str, prompt: Sequence[int], output: Sequence[int], salt: str, now_s: float) -> None:
        """Queue a request that will generate exactly `output`.

        Args:
            request_id: a name no request in the engine has.
            prompt: token ids; the blocks cached under the same salt are reused.
            output: token ids the request will generate.
            salt: separates prefix caches, as vLLM's cache_salt.
            now_s: simulated seconds.

        Raises:
            ValueError: the id is taken, prompt or output is empty, or both together exceed the KV capacity.
        """
        self._check(request_id, len(prompt), len(output))
        request = Request(
            request_id=request_id,
            prompt_tokens=len(prompt),
            total_tokens=len(prompt) + len(output),
            submitted_s=now_s,
            known_tokens=len(prompt),
            tokens=(*prompt, *output),
            root=root_hash(salt),
        )
        self._extend_hashes(request, len(prompt))
        self._enqueue(request)

    def submit_chain(self, request_id: str, chain: list[int], prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        """Queue a request of which only the prefixes have names, not the tokens; much faster for a simulation.

        Args:
            request_id: a name no request in the engine has.
            chain: one name for each full block of prompt and output; names that are equal mean that everything up to
                the end of the block is equal. Kept, not copied.
            prompt_tokens: length of the prompt.
            output_tokens: tokens the request will generate.
            now_s: simulated seconds.

        Raises:
            ValueError: as for `submit`, or the chain is too short.
        """
        self._check(request_id, prompt_tokens, output_tokens)
        full_blocks = (prompt_tokens + output_tokens) // self.spec.block_size_tokens
        if len(chain) < full_blocks:
            raise ValueError(f"chain has {len(chain)} blocks, prompt and output have {full_blocks}")
        self._enqueue(
            Request(
                request_id=request_id,
                prompt_tokens=prompt_tokens,
                total_tokens=prompt_tokens + output_tokens,
                submitted_s=now_s,
                known_tokens=prompt_tokens,
                hashes=chain,
            )
        )

    def abort(self, request_id: str) -> bool:
        """Drop a request and give back its blocks; its content stays cached. False if it is not in the engine."""
        request = self._requests.pop(request_id, None)
        if request is None:
            return False
        if request.blocks:
            self._running.remove(request)
            self._cache.release(request.blocks)
        else:
            self._waiting.remove(request)
        return True

    def reset_prefix_cache(self, *, recompute_running: bool = False) -> None:
        """Forget all cached prefixes; computing them again is then no re-prefill but a first time.

        Args:
            recompute_running: also preempt the running requests, so that no KV of before is read any more (what new
                weights need); else they keep theirs.
        """
        if recompute_running:
            while self._running:
                self._preempt()
        self._cache.reset()
        self._seen = SeenPrefixes(SEEN_PREFIXES_LIMIT)

    def quiet_steps(self) -> int:
        """How many steps from now are certain to give each running request one more token and do nothing else.

        No request finishes, starts or is preempted in them. A waiting request that does not fit now does not fit in them
        either: decoding takes blocks and gives none back.
        """
        running = self._running
        for request in running:
            if request.computed_tokens + 1 != request.known_tokens or request.computed_tokens < request.prefill_until_tokens:
                return 0
        if not running or len(running) > self.spec.max_batched_tokens or self._admits_one():
            return 0
        steps = min(request.total_tokens - request.known_tokens for request in running) - 1
        while steps > 0 and self._blocks_for(steps) > self._cache.available_blocks:
            steps //= 2
        return steps

    def quiet_s(self, steps: int) -> float:
        """Seconds that the next so many `quiet_steps` take."""
        kv_tokens_read = sum(request.known_tokens for request in self._running)
        growth = len(self._running) * steps * (steps - 1) / 2
        return steps * self.spec.decode_step_s + (steps * kv_tokens_read + growth) * self.spec.decode_s_per_kv_token

    def leap(self, steps: int) -> None:
        """Run so many `quiet_steps` at once; the same as `step` as often, but for the rounding of times."""
        block_size = self.spec.block_size_tokens
        for request in self._running:
            before = request.computed_tokens
            after = request.computed_tokens = before + steps
            request.known_tokens += steps
            for _ in range(-(-after // block_size) - len(request.blocks)):
                request.blocks.append(self._cache.allocate())
            self._publish(request, before, after)
        self.counters.generation_tokens += steps * len(self._running)

    def step(self, now_s: float) -> StepResult:
        """Run one iteration that starts at `now_s`; its tokens come at `now_s + duration_s`."""
        batch = self._schedule(now_s)
        if not batch.requests:
            return StepResult((), 0.0)
        duration_s = (
            batch.prefill_tokens / self.spec.prefill_tokens_per_s
            + self.spec.decode_step_s
            + batch.kv_tokens_read * self.spec.decode_s_per_kv_token
        )
        events: list[Event] = [Preempted(request.request_id) for request in batch.preempted]
        self._sample(batch.requests, now_s + duration_s, events)
        return StepResult(tuple(events), duration_s)

    def _check(self, request_id: str, prompt_tokens: int, output_tokens: int) -> None:
        if request_id in self._requests:
            raise ValueError(f"request_id is {request_id!r}, a request in the engine has it already")
        if prompt_tokens < 1 or output_tokens < 1:
            raise ValueError(f"prompt has {prompt_tokens} and output {output_tokens} tokens, each must have at least 1")
        if prompt_tokens + output_tokens > self.spec.usable_tokens:
            raise ValueError(
                f"prompt and output have {prompt_tokens} + {output_tokens} tokens, "
                f"together they must have at most {self.spec.usable_tokens}"
            )

    def _enqueue(self, request: Request) -> None:
        self._requests[request.request_id] = request
        self._waiting.append(request)

    def _schedule(self, now_s: float) -> Batch:
        batch = Batch(budget_tokens=self.spec.max_batched_tokens)
        block_size = self.spec.block_size_tokens
        index = 0
        while index < len(self._running) and batch.budget_tokens > 0:
            request = self._running[index]
            after = min(request.known_tokens, request.computed_tokens + batch.budget_tokens)
            if after > len(request.blocks) * block_size and not self._grow(request, after, batch):
                break
            self._compute(request, batch)
            index += 1
        # One just preempted is first in the queue and cannot fit again yet: such a step admits nobody, as in vLLM.
        while self._waiting and batch.budget_tokens > 0:
            if len(self._running) >= self.spec.max_running or not self._admit(self._waiting[0], batch.budget_tokens, now_s):
                break
            self._compute(self._waiting.popleft(), batch)
        return batch

    def _grow(self, request: Request, tokens: int, batch: Batch) -> bool:
        """Give a running request blocks for so many tokens, preempting others for it; False if it was preempted itself."""
        missing = -(-tokens // self.spec.block_size_tokens) - len(request.blocks)
        while self._cache.available_blocks < missing:
            victim = self._preempt()
            batch.preempted.append(victim)
            if victim is request:
                return False
        request.blocks += [self._cache.allocate() for _ in range(missing)]
        return True

    def _preempt(self) -> Request:
        """Take the KV of the most recently admitted request and put it in front of the queue."""
        request = self._running.pop()
        self._cache.release(request.blocks)
        request.blocks = []
        request.computed_tokens = 0
        request.preemptions += 1
        self._waiting.appendleft(request)
        self.counters.preemptions += 1
        return request

    def _admit(self, request: Request, budget_tokens: int, now_s: float) -> bool:
        """Start running with the blocks of the first chunk; False if those of all known tokens would not fit now.

        The others are not reserved, as in vLLM: who decodes meanwhile may take them.
        """
        block_size = self.spec.block_size_tokens
        matchable, matched, new_blocks = self._match(request)
        if not self._cache.fits(matched, new_blocks):
            return False
        self._cache.hold(matched)
        cached_tokens = len(matched) * block_size
        first_chunk_blocks = -(-min(request.known_tokens, cached_tokens + budget_tokens) // block_size) - len(matched)
        request.blocks = [*matched, *(self._cache.allocate() for _ in range(first_chunk_blocks))]
        request.computed_tokens = cached_tokens
        request.prefill_until_tokens = request.known_tokens
        self._running.append(request)
        for block_hash in matchable[len(matched) :]:
            if block_hash not in self._seen:
                break
            self.counters.reprefilled_tokens += block_size
        if request.admitted_s is None:
            request.admitted_s = now_s
            request.cached_tokens = cached_tokens
            self.counters.prefix_cache_queries_tokens += request.prompt_tokens
            self.counters.prefix_cache_hits_tokens += cached_tokens
        return True

    def _match(self, request: Request) -> tuple[list[int], list[int], int]:
        """The prefixes that may be found in the cache, the blocks of those that are, and how many others are needed."""
        block_size = self.spec.block_size_tokens
        # At least one token must be computed to get the logits of the next.
        matchable = request.hashes[: (request.known_tokens - 1) // block_size]
        matched = self._cache.match(matchable)
        return matchable, matched, -(-request.known_tokens // block_size) - len(matched)

    def _admits_one(self) -> bool:
        """Whether the next step would admit a waiting request."""
        if not self._waiting or len(self._running) >= self.spec.max_running:
            return False
        _, matched, new_blocks = self._match(self._waiting[0])
        return self._cache.fits(matched, new_blocks)

    def _blocks_for(self, steps: int) -> int:
        """Blocks that the running requests lack for so many more tokens each."""
        block_size = self.spec.block_size_tokens
        return sum(-(-(r.computed_tokens + steps) // block_size) - len(r.blocks) for r in self._running)

    def _compute(self, request: Request, batch: Batch) -> None:
        """Compute the next token, or chunk of a prefill, and publish the blocks it fills.

        They are published when scheduled, as in vLLM: requests admitted later in the same step share them already.
        """
        before = request.computed_tokens
        chunk = min(request.known_tokens - before, batch.budget_tokens)
        after = request.computed_tokens = before + chunk
        if before < request.prefill_until_tokens:
            batch.prefill_tokens += chunk
        else:
            batch.kv_tokens_read += after
        batch.budget_tokens -= chunk
        batch.requests.append(request)
        self._publish(request, before, after)

    def _publish(self, request: Request, before: int, after: int) -> None:
        """Let others find the blocks that were filled between two counts of computed tokens."""
        block_size = self.spec.block_size_tokens
        if after // block_size > before // block_size:
            self._extend_hashes(request, after)
            for index in range(before // block_size, after // block_size):
                self._cache.publish(request.blocks[index], request.hashes[index])
                self._seen.add(request.hashes[index])

    def _sample(self, requests: list[Request], now_s: float, events: list[Event]) -> None:
        """Give a token to each request of a step whose known tokens are all computed."""
        finished = False
        for request in requests:
            if request.computed_tokens < request.known_tokens:
                continue
            request.known_tokens += 1
            self.counters.generation_tokens += 1
            if request.first_token_s is None:
                request.first_token_s = now_s
                self.counters.prompt_tokens += request.prompt_tokens
                events.append(FirstToken(request.request_id))
            if request.known_tokens == request.total_tokens:
                finished = True
                self._cache.release(request.blocks)
                request.blocks = []
                del self._requests[request.request_id]
                events.append(Finished(request.record(now_s)))
        if finished:
            self._running = [request for request in self._running if request.blocks]

    def _extend_hashes(self, request: Request, tokens: int) -> None:
        block_size = self.spec.block_size_tokens
        extend_chain(request.hashes, request.root, request.tokens, tokens // block_size, block_size)
