"""What SkyRL's weight syncs mean for turns and KV caches, as its client sees them.

========================================  ============================================  ======================================
sync                                      what the client sees                          KV caches
========================================  ============================================  ======================================
full weights                              pause (keep), resume                          kept: a trajectory goes on under the
                                                                                        salt that it began with
the same, ``clear_kv_cache_on_weight_     pause, resume; a worker's copy of the client  lost
sync``, or the synchronous trainer        resets the caches meanwhile
``offload_kv_for_weight_sync``            pause, sleep_for_weight_sync, resume          kept in memory of the host, or lost
colocated, synchronous and offloaded      sleep, wake_up                                lost
LoRA adapters in place                    nothing                                       kept, or reset by a worker's copy
delta                                     nothing: a worker's copy pauses and resumes   kept, or reset by that copy
========================================  ============================================  ======================================

Each ends with ``increment_weight_version``. While a worker's copy acts, the driver's loop waits for it, so no turn begins.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import aiohttp
from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import PauseMode, RemoteInferenceClient

from thunderagent.adapters.skyrl.hosts import Host

logger = logging.getLogger(__name__)


def resets_caches(cfg: Any) -> bool:
    """Whether SkyRL's workers reset the prefix caches in every weight sync, given its configuration."""
    fully_async = cfg.trainer.fully_async
    if not cfg.generator.inference_engine.enable_prefix_caching or fully_async.simulate_training:
        return False
    return not fully_async.enabled or bool(fully_async.clear_kv_cache_on_weight_sync)


class SyncingClient(RemoteInferenceClient):
    """Tells the scheduler when turns may start and what became of the KV caches."""

    _thunder: Host | None = None
    _workers_reset_caches = False
    """``resets_caches``."""
    _kv_lost = False
    """Whether the KV caches are lost in the sync under way."""
    _loss_told = False
    """Whether the scheduler knows already what this sync did to them."""

    async def pause(self, mode: Any = PauseMode.KEEP, clear_cache: bool = False) -> dict[str, Any]:
        """Turns that arrive from now on wait here, those in flight freeze in the engine."""
        self._begin(kv_lost=clear_cache)
        try:
            return await self._tolerate_lost_engines(super().pause(mode, clear_cache))
        except BaseException:
            self._end()
            raise

    async def resume(self) -> dict[str, Any]:
        """After a weight sync, whether it succeeded or not."""
        try:
            return await self._tolerate_lost_engines(super().resume())
        finally:
            self._end()

    async def sleep(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The engines give their memory to the trainer, their KV caches with it. Turns wait until they are awake."""
        self._begin(kv_lost=True)
        try:
            answer = dict(await super().sleep(*args, **kwargs))
        except BaseException:
            self._end()
            raise
        self._lose_caches()
        return answer

    async def wake_up(self, tags: list[str] | None = None) -> dict[str, Any]:
        """Weights come first, the KV cache last: then turns may start."""
        answer = dict(await super().wake_up(tags))
        if not tags or "kv_cache" in tags:
            self._end()
        return answer

    async def sleep_for_weight_sync(self, offload_kv: bool = True) -> dict[str, Any]:
        """SkyRL after 0.3: between pause and resume, the engines' memory is given up, that of the KV caches offloaded or not."""
        self._kv_lost = self._kv_lost or not offload_kv
        return dict(await cast(Any, super()).sleep_for_weight_sync(offload_kv=offload_kv))

    async def reset_prefix_cache(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The engines forget their KV caches."""
        self._lose_caches()
        return dict(await super().reset_prefix_cache(*args, **kwargs))

    def increment_weight_version(self) -> None:
        """A weight sync of whatever kind is over."""
        super().increment_weight_version()
        if self._workers_reset_caches and not self._loss_told:
            self._lose_caches()
        self._loss_told = False

    def _begin(self, *, kv_lost: bool) -> None:
        self._kv_lost, self._loss_told = kv_lost, False
        if self._thunder is not None:
            self._thunder.begin_weight_sync()

    def _end(self) -> None:
        kv_lost = not self._loss_told and (self._kv_lost or self._workers_reset_caches)
        self._loss_told = self._loss_told or kv_lost
        if self._thunder is not None:
            self._thunder.end_weight_sync(kv_lost=kv_lost)

    def _lose_caches(self) -> None:
        self._loss_told = True
        if self._thunder is not None:
            self._thunder.lose_caches()

    async def _tolerate_lost_engines(self, call: Any) -> dict[str, Any]:
        try:
            return dict(await call)
        except aiohttp.ClientConnectionError as error:
            if self._thunder is None or not self._thunder.end_on_engine_failure:
                raise
            logger.error("an engine did not take part in the weight sync: %s", error)
            return {}
