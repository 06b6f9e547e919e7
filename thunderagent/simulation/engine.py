"""A simulated inference engine: vLLM v1's scheduling over a paged prefix cache, with a roofline for time.

Each step serves the running requests first, in order of admission (one token each while decoding, a chunk while in
prefill), then admits waiting ones in order of urgency, within the token budget. A running request that needs a block when
none is available preempts the least urgent one, which is computed again later. Unless the spec says otherwise, urgent is who
came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from thunderagent.simulation import leap
from thunderagent.simulation.engine_state import SEEN_PREFIXES_LIMIT, EngineState
from thunderagent.simulation.events import EngineCounters, Event, Finished, FirstToken, Preempted, StepResult
from thunderagent.simulation.prefix_hash import SeenPrefixes, root_hash
from thunderagent.simulation.request import Request
from thunderagent.simulation.schedule import schedule
from thunderagent.simulation.spec import EngineSpec


class SimulatedEngine:
    """One engine. Pure: `submit` and `step` are told the time, and `step` answers how long it took."""

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec
        self._state = EngineState(spec)
        self._numbers = count()

    @property
    def counters(self) -> EngineCounters:
        """Totals since the engine started."""
        return self._state.counters

    @property
    def running(self) -> int:
        """Requests that hold KV."""
        return len(self._state.running)

    @property
    def waiting(self) -> int:
        """Requests that wait for admission, preempted ones included."""
        return len(self._state.waiting)

    @property
    def num_blocks(self) -> int:
        """KV blocks of the engine."""
        return self._state.cache.num_blocks

    @property
    def used_blocks(self) -> int:
        """KV blocks that running requests hold (cached but unreferenced ones are not used, as in vLLM's gauge)."""
        return self._state.cache.used_blocks

    def __contains__(self, request_id: object) -> bool:
        """Whether a request waits or runs here."""
        return request_id in self._state.requests

    def completion_tokens(self, request_id: str) -> int:
        """Tokens generated so far by a request in the engine. Raises KeyError for any other."""
        return self._state.requests[request_id].completion_tokens

    def cached_tokens(self, request_id: str) -> int:
        """Prompt tokens a request in the engine found cached (0 before admission). Raises KeyError for any other."""
        return self._state.requests[request_id].cached_tokens

    def submit(
        self, request_id: str, prompt: Sequence[int], output: Sequence[int], salt: str, now_s: float, *, priority: int = 0
    ) -> None:
        """Queue a request that will generate exactly `output`.

        Args:
            request_id: a name no request in the engine has.
            prompt: token ids; the blocks cached under the same salt are reused.
            output: token ids the request will generate.
            salt: separates prefix caches, as vLLM's cache_salt.
            now_s: simulated seconds.
            priority: lower is more urgent; ignored if the spec's queue is `fcfs`.

        Raises:
            ValueError: the id is taken, prompt or output is empty, or both together exceed the KV capacity.
        """
        request = self._request(request_id, len(prompt), len(output), now_s, priority)
        request.tokens, request.root = (*prompt, *output), root_hash(salt)
        self._state.extend_names(request, len(prompt))
        self._enqueue(request)

    def submit_chain(
        self, request_id: str, chain: list[int], prompt_tokens: int, output_tokens: int, now_s: float, *, priority: int = 0
    ) -> None:
        """Queue a request of which only the prefixes have names, not the tokens; much faster for a simulation.

        Args:
            request_id: a name no request in the engine has.
            chain: one name for each full block of prompt and output; names that are equal mean that everything up to
                the end of the block is equal. Kept, not copied.
            prompt_tokens: length of the prompt.
            output_tokens: tokens the request will generate.
            now_s: simulated seconds.
            priority: lower is more urgent; ignored if the spec's queue is `fcfs`.

        Raises:
            ValueError: as for `submit`, or the chain is too short.
        """
        request = self._request(request_id, prompt_tokens, output_tokens, now_s, priority)
        full_blocks = (prompt_tokens + output_tokens) // self.spec.block_size_tokens
        if len(chain) < full_blocks:
            raise ValueError(f"chain has {len(chain)} blocks, prompt and output have {full_blocks}")
        request.hashes = chain
        self._enqueue(request)

    def abort(self, request_id: str) -> bool:
        """Drop a request and give back its blocks; its content stays cached. False if it is not in the engine."""
        request = self._state.requests.pop(request_id, None)
        if request is None:
            return False
        if request.holding is None:
            self._state.waiting.remove(request)
        else:
            self._state.running.remove(request)
            self._state.stop(request)
        return True

    def demote(self, chain: Sequence[int], keep_blocks: int = 0) -> int:
        """Hint: this chain is not expected back soon. Its cached blocks are evicted from the device before all others.

        They stay cached until then, and in the host tier as they are. The tail goes first. Whether a block is part of other
        programs' chains too is not known here: the caller says how many it shares. Blocks that a request holds stay as they
        are.

        Args:
            chain: names of the blocks, as for `submit_chain`.
            keep_blocks: so many first ones are left alone, because others may share them.

        Returns:
            How many blocks that were.
        """
        return self._state.cache.demote(chain[keep_blocks:])

    def free(self, chain: Sequence[int], keep_blocks: int = 0) -> int:
        """Hint: nobody will ask for this chain again. Its content is dropped from both tiers, its blocks are used next.

        Blocks that a request holds stay as they are, as with `demote`, which has the same arguments.

        Returns:
            How many blocks of the device that were.
        """
        return self._state.cache.free(chain[keep_blocks:])

    def reset_prefix_cache(self, *, recompute_running: bool = False) -> None:
        """Forget all cached prefixes, in both tiers; computing them again is then no re-prefill but a first time.

        Args:
            recompute_running: also preempt the running requests, so that no KV of before is read any more (what new
                weights need); else they keep theirs.
        """
        if recompute_running:
            self.retract_running()
        state = self._state
        state.cache.reset()
        state.seen = SeenPrefixes(SEEN_PREFIXES_LIMIT)

    def retract_running(self) -> None:
        """Preempt all running requests; what they have computed stays cached while nobody needs its room."""
        while self._state.running:
            self._state.preempt()

    def quiet_steps(self) -> int:
        """How many steps from now are certain to give each running request one more token and do nothing else."""
        return leap.quiet_steps(self._state)

    def quiet_s(self, steps: int) -> float:
        """Seconds that the next so many `quiet_steps` take."""
        return leap.quiet_s(self._state, steps)

    def leap(self, steps: int) -> None:
        """Run so many `quiet_steps` at once; the same as `step` as often, but for the rounding of times."""
        leap.leap(self._state, steps)

    def step(self, now_s: float) -> StepResult:
        """Run one iteration that starts at `now_s`; its tokens come at `now_s + duration_s`."""
        batch = schedule(self._state, now_s)
        events: list[Event] = [Preempted(request.request_id) for request in batch.preempted]
        if not batch.tokens:
            return StepResult(tuple(events), 0.0)
        duration_s = self.spec.step_s(*batch.sizes(), batch.loaded_tokens)
        self._sample(batch.tokens, now_s + duration_s, events)
        return StepResult(tuple(events), duration_s)

    def _request(self, request_id: str, prompt_tokens: int, output_tokens: int, submitted_s: float, priority: int) -> Request:
        if request_id in self._state.requests:
            raise ValueError(f"request_id is {request_id!r}, a request in the engine has it already")
        if prompt_tokens < 1 or output_tokens < 1:
            raise ValueError(f"prompt has {prompt_tokens} and output {output_tokens} tokens, each must have at least 1")
        if prompt_tokens + output_tokens > self.spec.usable_tokens:
            raise ValueError(
                f"prompt and output have {prompt_tokens} + {output_tokens} tokens, "
                f"together they must have at most {self.spec.usable_tokens}"
            )
        return Request(
            request_id=request_id,
            prompt_tokens=prompt_tokens,
            total_tokens=prompt_tokens + output_tokens,
            submitted_s=submitted_s,
            number=next(self._numbers),
            priority=priority if self.spec.queue == "priority" else 0,
            known_tokens=prompt_tokens,
        )

    def _enqueue(self, request: Request) -> None:
        self._state.requests[request.request_id] = request
        self._state.waiting.add(request)

    def _sample(self, requests: Iterable[Request], now_s: float, events: list[Event]) -> None:
        """Give a token to each request of a step whose known tokens are all computed."""
        state, finished = self._state, False
        for request in requests:
            if request.computed_tokens < request.known_tokens:
                continue
            request.known_tokens += 1
            state.counters.generation_tokens += 1
            if request.first_token_s is None:
                request.first_token_s = now_s
                state.counters.prompt_tokens += request.prompt_tokens
                events.append(FirstToken(request.request_id))
            if request.known_tokens == request.total_tokens:
                finished = True
                state.stop(request)
                del state.requests[request.request_id]
                events.append(Finished(request.record(now_s)))
        if finished:
            state.running = [request for request in state.running if request.holding is not None]
