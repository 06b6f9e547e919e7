"""SkyRL's inference client with every turn scheduled.

A subclass, because SkyRL checks ``isinstance`` and pickles the client to its workers; a pickled copy is a plain
``RemoteInferenceClient``, so worker nodes need not have this package.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from contextvars import ContextVar
from typing import Any, Protocol, cast

import aiohttp
from skyrl.backends.skyrl_train.inference_servers.base import InferenceEngineInput, InferenceEngineOutput
from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import PauseMode, RemoteInferenceClient

from thunderagent.adapters.trajectory_ids import PHASE, group_of, program_id
from thunderagent.core import Usage
from thunderagent.errors import TurnError
from thunderagent.runtime import EngineTiming, Runtime, Turn

logger = logging.getLogger(__name__)

GENERATE_PATHS = ("/inference/v1/generate", "/skyrl/v1/generate")

_TURN: ContextVar[Turn | None] = ContextVar("thunderagent_turn", default=None)


class Host(Protocol):
    """What the client needs from whoever runs the scheduler."""

    runtime: Runtime
    end_on_engine_failure: bool
    """Whether a lost engine ends the trajectory with an empty answer instead of raising into SkyRL (which exits)."""

    async def start(self) -> None:
        """Called before the first turn, on the loop that runs all turns; cheap when it has already happened."""


class ThunderClient(RemoteInferenceClient):
    """Waits for admission before SkyRL's own semaphore, sends to the engine that the scheduler chose, reports usage."""

    _thunder: Host | None = None
    _kv_lost = False
    """Whether the KV caches are reset in the weight sync under way."""

    async def generate(self, input_batch: InferenceEngineInput, model: str | None = None) -> InferenceEngineOutput:
        """One turn per call, as SkyRL's agent loops do; batches without session ids pass through unscheduled."""
        sessions = input_batch.get("session_ids")
        if self._thunder is None or not sessions or len(sessions) != 1:
            return await super().generate(input_batch, model=model)
        try:
            return await self._scheduled(self._thunder, str(sessions[0]), input_batch, model)
        except (TurnError, aiohttp.ClientConnectionError) as error:
            if not self._thunder.end_on_engine_failure:
                raise
            logger.error("trajectory %s ends: %s", sessions[0], error)
            return self._empty_answer(input_batch)

    async def _scheduled(
        self, thunder: Host, session_id: str, input_batch: InferenceEngineInput, model: str | None
    ) -> InferenceEngineOutput:
        await thunder.start()
        prompt_tokens = len(input_batch["prompt_token_ids"][0])
        name, group = program_id(session_id), group_of(session_id)
        async with thunder.runtime.turn(name, prompt_tokens=prompt_tokens, group=group, phase=PHASE.get()) as turn:
            token = _TURN.set(turn)
            try:
                output = await turn.run(super().generate(input_batch, model=model))
            finally:
                _TURN.reset(token)
            if turn.usage is None:  # this engine reports no usage: the counts are exact, the cached share is unknown
                turn.finish(Usage(prompt_tokens, len(output["response_ids"][0])))
            return output

    async def _post(self, url: str, json: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        turn = _TURN.get()
        path = next((path for path in GENERATE_PATHS if url.endswith(path)), None)
        if path is not None:
            json = with_valid_salt(json)
        if turn is None or path is None:
            return await super()._post(url, json, headers)
        if turn.backend in self.server_urls:
            url = turn.backend + path
        body = await super()._post(url, json, headers)
        report(turn, body)
        return body

    async def finish_session(self, session_id: str) -> None:
        """The trajectory is over: release its program, then tell the router as SkyRL does.

        Engines keep no sessions (vLLM answers 404, which SkyRL would log for every trajectory).
        """
        if self._thunder is not None and session_id:
            self._thunder.runtime.release(program_id(str(session_id)))
        if self.proxy_url not in self.server_urls:
            await super().finish_session(session_id)

    async def pause(self, mode: Any = PauseMode.KEEP, clear_cache: bool = False) -> dict[str, Any]:
        """Before a weight sync: turns that arrive from now on wait here, those in flight freeze in the engine."""
        self._kv_lost = clear_cache
        if self._thunder is not None:
            self._thunder.runtime.begin_weight_sync()
        try:
            return await self._tolerate_lost_engines(super().pause(mode, clear_cache))
        except BaseException:
            self._end_weight_sync()
            raise

    async def resume(self) -> dict[str, Any]:
        """After a weight sync, whether it succeeded or not."""
        try:
            return await self._tolerate_lost_engines(super().resume())
        finally:
            self._end_weight_sync()

    async def sleep(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The engines give their memory to the trainer, their KV caches with it."""
        self._lose_caches()
        return dict(await super().sleep(*args, **kwargs))

    async def reset_prefix_cache(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The engines forget their KV caches."""
        self._lose_caches()
        return dict(await super().reset_prefix_cache(*args, **kwargs))

    def _lose_caches(self) -> None:
        if self._thunder is not None:
            for backend_id in list(self._thunder.runtime.scheduler.ledger.backends):
                self._thunder.runtime.lose_cache(backend_id)

    def _end_weight_sync(self) -> None:
        if self._thunder is not None:
            self._thunder.runtime.end_weight_sync(kv_lost=self._kv_lost)

    async def _tolerate_lost_engines(self, call: Any) -> dict[str, Any]:
        try:
            return dict(await call)
        except aiohttp.ClientConnectionError as error:
            if self._thunder is None or not self._thunder.end_on_engine_failure:
                raise
            logger.error("an engine did not take part in the weight sync: %s", error)
            return {}

    def _empty_answer(self, input_batch: InferenceEngineInput) -> InferenceEngineOutput:
        eos = self.tokenizer.eos_token_id if self.tokenizer is not None else 0
        wants_logprobs = (input_batch.get("sampling_params") or {}).get("logprobs") is not None
        return InferenceEngineOutput(
            responses=[""],
            response_ids=[[eos]],
            stop_reasons=["error"],
            response_logprobs=[[0.0]] if wants_logprobs else None,
            rollout_expert_indices=None,
        )

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        state = dict(self.__dict__) | cast(dict[str, Any], self.__getstate__())
        state.pop("_thunder", None)
        state.pop("_kv_lost", None)
        return (object.__new__, (RemoteInferenceClient,), state)


def with_valid_salt(body: dict[str, Any]) -> dict[str, Any]:
    """The same request with a salt that vLLM takes.

    SkyRL 0.3 salts the prefix cache with ``{model}@{weight version}``. vLLM refuses ``@`` and ``/`` since 0.32; any string that
    is different for different salts does as well.
    """
    salt = body.get("cache_salt")
    if not salt:
        return body
    return {**body, "cache_salt": hashlib.sha256(str(salt).encode()).hexdigest()}


@functools.cache
def _warn_of_unknown_hits(backend: str) -> None:
    logger.warning("engine %s tells no cached tokens: serve vLLM with --enable-prompt-tokens-details for KV hit rates", backend)


def report(turn: Turn, body: dict[str, Any]) -> None:
    """Take usage and, where the engine gives it, timing from a generate response."""
    usage = body.get("usage")
    if not usage:
        return
    details = usage.get("prompt_tokens_details") or {}
    if "cached_tokens" not in details:
        _warn_of_unknown_hits(turn.backend)
    timing = body.get("timing")
    turn.finish(
        Usage(usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens")),
        EngineTiming(timing["queued_s"], timing["prefill_s"], timing["decode_s"]) if timing else None,
    )
