"""SGLang: ``/v1/loads`` with every look, ``/metrics`` with every fifth, ``/server_info`` once; what one lacks, the others tell.

A rank's own line counts once, however many of its tensor-parallel schedulers tell it, and never for the ranks beside it.
"""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from thunderagent.adapters.engines.engine import Call, Http
from thunderagent.adapters.engines.pages import count, json_of, metrics_of, optional_json, share, tokens
from thunderagent.adapters.engines.prometheus import Sample, samples
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading
from thunderagent.errors import EngineProblem

LOADS = "/v1/loads?include=core"
METRICS = "/metrics"
SERVER_INFO = ("/server_info", "/get_server_info")
MODEL_INFO = ("/model_info", "/get_model_info")
"""Each with its older name."""
METRICS_EVERY_LOOKS = 5
"""What only that page has are totals; and it costs SGLang more than all the rest (several processes' files are put together)."""
SERVER_INFO_TIMEOUT_S = 2.0
"""Its scheduler answers between two steps."""
SERVER_INFO_TRIES = 5
NOT_SERVED = (401, 403, 404, 405)
"""An older version, or one that wants a key for it."""
HEADER_SINCE = (0, 5, 10)
"""Since this version the header ``X-Data-Parallel-Rank`` chooses a rank."""
OF_LOADS = {
    "max_total_num_tokens": "capacity_tokens",
    "token_usage": "usage",
    "num_running_reqs": "running",
    "num_waiting_reqs": "waiting",
}
OF_METRICS = {
    "sglang:max_total_num_tokens": "capacity_tokens",
    "sglang:token_usage": "usage",
    "sglang:num_running_reqs": "running",
    "sglang:num_queue_reqs": "waiting",
    "sglang:num_retracted_requests_total": "preemptions",
    "sglang:hicache_host_total_tokens": "host_tokens",
}
"""Fields of ``Rank``."""
PROMPT_TOKENS, CACHED_TOKENS = "sglang:prompt_tokens_total", "sglang:cached_tokens_total"
"""Of all ranks together, the latter by what it was found in."""
NO_CAPACITY = (
    "neither /v1/loads nor /metrics nor /server_info tells the KV capacity: serve with --enable-metrics,"
    " or set thunder.capacity_tokens"
)

Ranks = dict[int, dict[str, float]]
"""Fields of ``Rank`` as one source tells them."""


class Sglang:
    """One SGLang server, with one or more data-parallel ranks."""

    def __init__(self) -> None:
        self._looks = self._info_tries = 0
        self._info: Mapping[str, Any] = {}
        self._metrics: Ranks | None = None
        """Of the last look at them; None: they are not served."""
        self._has_loads = self._has_metrics = self._has_model_info = True

    @property
    def kind(self) -> EngineKind:
        """Which."""
        return EngineKind.SGLANG

    async def read(self, http: Http) -> Reading:
        """One look.

        Raises:
            EngineProblem: what answers there is no SGLang, or answers nonsense; the message names path and answer.
        """
        version, loads = await self._ask_loads(http)
        await self._ask_metrics(http, needed=loads is None)
        await self._ask_info(http)
        if loads is None and self._metrics is None and not self._info:
            raise EngineProblem(f"neither {LOADS} nor {METRICS} nor {SERVER_INFO[0]} is SGLang's")
        try:
            of_info = _of_info(self._info)
            ranks = self._ranks(loads, of_info)
        except (ValueError, TypeError) as error:
            raise EngineProblem(f"{LOADS if loads else METRICS} tells a KV capacity that cannot be: {error}") from None
        version = version or str(self._info.get("version", ""))
        return Reading(
            self.kind,
            ranks,
            routes_ranks=len(ranks) > 1 and _numbers(version) >= HEADER_SINCE,
            weight_version=await self._weight_version(http),
            priority=self._priority(),
            problems=(NO_CAPACITY,) if any(rank.capacity_tokens is None for rank in ranks) else (),
        )

    def abort(self, request_id: str) -> Call | None:
        """By the ``rid`` of a request; SGLang goes on when a connection closes before it has looked."""
        return Call("/abort_request", {"rid": request_id})

    def drop_cache(self) -> Call:
        """It is refused while requests run."""
        return Call("/flush_cache")

    async def _ask_loads(self, http: Http) -> tuple[str, Ranks | None]:
        """Version and ranks; no ranks: it does not have them."""
        if not self._has_loads:
            return "", None
        page = await http.get(LOADS)
        if page.status in NOT_SERVED:
            self._has_loads = False
            return "", None
        told = json_of(page, LOADS)
        loads = told.get("loads")
        if not isinstance(loads, list) or not all(isinstance(load, dict) for load in loads):
            raise EngineProblem(f"{LOADS} has no loads")
        ranks: Ranks = {}
        for load in loads:
            index = load.get("dp_rank", 0)
            if not isinstance(index, int):
                raise EngineProblem(f"{LOADS} has a dp_rank of {index!r}")
            ranks.setdefault(index, {field: load[name] for name, field in OF_LOADS.items() if load.get(name) is not None})
        return str(told.get("version", "")), ranks or None

    async def _ask_metrics(self, http: Http, needed: bool) -> None:
        due = needed or self._looks % METRICS_EVERY_LOOKS == 0
        self._looks += 1
        if not due or not self._has_metrics:
            return
        page = await http.get(METRICS)
        if page.status in NOT_SERVED:  # served without --enable-metrics
            self._has_metrics = False
            return
        text = metrics_of(page, METRICS)
        try:
            found = samples(text, (*OF_METRICS, PROMPT_TOKENS, CACHED_TOKENS))
        except ValueError as error:
            raise EngineProblem(f"{METRICS}: {error}") from None
        self._metrics = _of_metrics(found)
        if self._metrics is None and b"\nvllm:" in text:
            raise EngineProblem(f"{METRICS} is vLLM's")

    async def _ask_info(self, http: Http) -> None:
        if self._info or self._info_tries >= SERVER_INFO_TRIES:
            return
        self._info_tries += 1
        try:
            async with asyncio.timeout(SERVER_INFO_TIMEOUT_S):
                info = await optional_json(http, *SERVER_INFO)
        except TimeoutError:
            return
        if info is None:
            self._info_tries = SERVER_INFO_TRIES
        elif "vllm_config" in info:
            raise EngineProblem(f"{SERVER_INFO[0]} is vLLM's")
        else:
            self._info = info

    async def _weight_version(self, http: Http) -> str | None:
        """``/server_info`` has that of the start."""
        if not self._has_model_info:
            return None
        info = await optional_json(http, *MODEL_INFO)
        if info is None or info.get("weight_version") is None:
            self._has_model_info = False
            return None
        return str(info["weight_version"])

    def _ranks(self, loads: Ranks | None, of_info: Ranks) -> tuple[Rank, ...]:
        metrics = self._metrics or {}
        indexes = loads or of_info or metrics or (0,)
        if len(indexes) > 1:  # totals are of all ranks: nobody's
            metrics = {
                index: {f: v for f, v in fields.items() if f not in ("queried_tokens", "hit_tokens")}
                for index, fields in metrics.items()
            }
        sources = (loads or {}, metrics, of_info)
        return tuple(_rank(index, ChainMap(*(source.get(index, {}) for source in sources))) for index in sorted(indexes))

    def _priority(self) -> PriorityOrder | None:
        if not self._info.get("enable_priority_scheduling"):
            return None
        return PriorityOrder.LOWER_FIRST if self._info.get("schedule_low_priority_values_first") else PriorityOrder.HIGHER_FIRST


def _rank(index: int, told: Mapping[str, float]) -> Rank:
    return Rank(
        index,
        tokens(told.get("capacity_tokens") or None),  # 0 until it is known
        count(told.get("host_tokens")) or 0,
        share(told.get("usage")),
        **{field: count(told.get(field)) for field in ("running", "waiting", "preemptions", "queried_tokens", "hit_tokens")},
    )


def _of_metrics(found: Mapping[str, list[Sample]]) -> Ranks | None:
    ranks: Ranks = {}
    for name, field in OF_METRICS.items():
        for sample in found[name]:
            if not sample.labels.get("priority"):  # else it is of those with this priority only
                ranks.setdefault(_dp_rank(sample), {}).setdefault(field, sample.value)
    if ranks and found[PROMPT_TOKENS]:
        totals = {
            "queried_tokens": sum(sample.value for sample in found[PROMPT_TOKENS]),
            "hit_tokens": sum(sample.value for sample in found[CACHED_TOKENS]),
        }
        ranks[min(ranks)].update(totals)
    return ranks or None


def _of_info(info: Mapping[str, Any]) -> Ranks:
    """Each rank has a state of its own there; the capacity beside those is the first rank's."""
    if not info:
        return {}
    states = info.get("internal_states")
    states = [state if isinstance(state, dict) else {} for state in states] if isinstance(states, list) else []
    size = max(int(info.get("dp_size") or 1), 1)
    ranks: Ranks = {}
    for index in range(size):
        memory = (states[index] if index < len(states) else {}).get("memory_usage")
        memory = memory if isinstance(memory, dict) else {}
        capacity = memory.get("token_capacity") or info.get("max_total_num_tokens")
        if capacity:
            ranks[index] = {"capacity_tokens": capacity, "host_tokens": _host_tokens(info, capacity, memory.get("kvcache"))}
        else:
            ranks[index] = {}
    return ranks


def _host_tokens(info: Mapping[str, Any], capacity_tokens: float, device_gib: Any) -> float:
    """HiCache is told as a multiple of the device's KV cache or, which wins, in GB."""
    if not info.get("enable_hierarchical_cache"):
        return 0
    size_gb = info.get("hicache_size") or 0
    if size_gb > 0:
        return capacity_tokens * size_gb * 1e9 / (device_gib * 2**30) if device_gib else 0
    return capacity_tokens * (info.get("hicache_ratio") or 0)


def _dp_rank(sample: Sample) -> int:
    text = sample.labels.get("dp_rank", "0")
    return int(text) if text.isdecimal() else 0


def _numbers(version: str) -> tuple[int, ...]:
    """Of ``0.5.10.post1``: 0, 5, 10."""
    parts = version.split(".")[:3]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
