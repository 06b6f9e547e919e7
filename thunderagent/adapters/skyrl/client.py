"""SkyRL's inference client with every turn scheduled.

A subclass, because SkyRL checks ``isinstance`` and pickles the client to its workers; a pickled copy is a plain
``RemoteInferenceClient``, so worker nodes need not have this package.
"""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from typing import Any, cast

import aiohttp
from skyrl.backends.skyrl_train.inference_servers.base import InferenceEngineInput, InferenceEngineOutput
from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient

from thunderagent.adapters.skyrl.hosts import InProcess
from thunderagent.adapters.skyrl.times import TIMES
from thunderagent.adapters.skyrl.weight_syncs import SyncingClient
from thunderagent.adapters.skyrl.wire import generate_path, report, with_valid_salt
from thunderagent.adapters.trajectory_ids import PHASE, group_of, program_id
from thunderagent.core import Usage
from thunderagent.errors import BackendLost, TurnError
from thunderagent.runtime import Turn

logger = logging.getLogger(__name__)

MOVES = 3
"""A turn whose engine dies is sent to another so often: that engines die one after the other under the same turn is rare."""
_TURN: ContextVar[Turn | None] = ContextVar("thunderagent_turn", default=None)


class ThunderClient(SyncingClient):
    """Waits for admission before SkyRL's own semaphore, sends to the engine that the scheduler chose, reports usage.

    Where a gateway is the host, it does all this: it is only told of the program.
    """

    _warned = False

    async def generate(self, input_batch: InferenceEngineInput, model: str | None = None) -> InferenceEngineOutput:
        """One turn per call, as SkyRL's agent loops do; batches without session ids pass through unscheduled."""
        thunder, sessions = self._thunder, input_batch.get("session_ids")
        if thunder is None or not sessions or len(sessions) != 1:
            self._warn_of_batches()
            return await super().generate(input_batch, model=model)
        try:
            if self._in_process is not None:
                return await self._scheduled(self._in_process, str(sessions[0]), input_batch, model)
            return await super().generate(input_batch, model=model)
        except (TurnError, aiohttp.ClientConnectionError, aiohttp.ClientResponseError) as error:
            if not thunder.end_on_engine_failure or (isinstance(error, aiohttp.ClientResponseError) and error.status < 500):
                raise
            logger.error("trajectory %s ends: %s", sessions[0], error)
            return self._empty_answer(input_batch)

    async def _scheduled(
        self, thunder: InProcess, session_id: str, input_batch: InferenceEngineInput, model: str | None
    ) -> InferenceEngineOutput:
        await thunder.start()
        prompt_tokens = len(input_batch["prompt_token_ids"][0])
        name, group = program_id(session_id), group_of(session_id)
        began_s = time.monotonic()
        async with thunder.runtime.turn(name, prompt_tokens=prompt_tokens, group=group, phase=PHASE.get()) as turn:
            output = await self._run(turn, input_batch, model)
            if turn.usage is None:  # this engine reports no usage: the counts are exact, the cached share is unknown
                turn.finish(Usage(prompt_tokens, len(output["response_ids"][0])))
        times = TIMES.get()
        if times is not None:
            times.add(session_id, paused_s=turn.waited_s, engine_s=time.monotonic() - began_s - turn.waited_s)
        return output

    async def _run(self, turn: Turn, input_batch: InferenceEngineInput, model: str | None) -> InferenceEngineOutput:
        token = _TURN.set(turn)
        try:
            moves = 0
            while True:
                try:
                    return await turn.run(super().generate(input_batch, model=model))
                except BackendLost as lost:
                    moves += 1
                    if moves > MOVES:
                        raise
                    logger.warning("%s; it is sent to another", lost)
                    await turn.again()
        finally:
            _TURN.reset(token)

    async def _post(self, url: str, json: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        turn, path = _TURN.get(), generate_path(url)
        if path is not None:
            json = with_valid_salt(json)
        if self._thunder is not None and self._has_gateway and headers and "X-Session-ID" in headers:
            headers = {**headers, "X-Program-ID": self._thunder.prefix + program_id(headers["X-Session-ID"])}
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
            self._thunder.release(str(session_id))
        if self.proxy_url not in self.server_urls and not self._has_gateway:
            await super().finish_session(session_id)

    @property
    def _in_process(self) -> InProcess | None:
        return self._thunder if isinstance(self._thunder, InProcess) else None

    @property
    def _has_gateway(self) -> bool:
        return self._thunder is not None and self._in_process is None

    def _warn_of_batches(self) -> None:
        if self._thunder is not None and not self._warned:
            self._warned = True
            logger.warning(
                "a batch without one session id per call is not scheduled: generators that call generate() for a whole batch"
                " (generator.batched=true) run as they would without thunderagent"
            )

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
        for ours in OURS:
            state.pop(ours, None)
        return (object.__new__, (RemoteInferenceClient,), state)


OURS = ("_thunder", "_warned", "_workers_reset_caches", "_kv_lost", "_loss_told")
"""Attributes that a plain client does not have."""
