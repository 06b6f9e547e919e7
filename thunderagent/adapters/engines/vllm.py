"""vLLM: ``/metrics`` with every look; once for each process its development endpoint ``/server_info``, where it is served."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from thunderagent.adapters.engines.engine import Call, Http
from thunderagent.adapters.engines.pages import count, json_of, metrics_of, share, tokens
from thunderagent.adapters.engines.prometheus import Sample, problem, samples
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading
from thunderagent.errors import EngineProblem

METRICS = "/metrics"
SERVER_INFO = "/server_info?config_format=json"
SERVER_INFO_TIMEOUT_S = 2.5
"""Its first answer takes vLLM about five seconds, in a thread (it looks at the whole machine); the next come at once."""
SERVER_INFO_TRIES = 5
"""Then it is not asked any more before the next process."""
START = "process_start_time_seconds"
CACHE = "vllm:cache_config_info"
LOAD = {
    "usage": "vllm:kv_cache_usage_perc",
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "preemptions": "vllm:num_preemptions_total",
    "queried_tokens": "vllm:prefix_cache_queries_total",
    "hit_tokens": "vllm:prefix_cache_hits_total",
}
"""Fields of ``Rank``, in its order, and the series that tell them."""
FILTERED = f"{METRICS}/?" + "&".join(f"name[]={name}" for name in (START, CACHE, *LOAD.values()))
"""The same page with these series only: a twentieth of it, which takes vLLM a fifth of the time. Several frontends have none."""


class Vllm:
    """One vLLM server: its frontend, with one or more data-parallel ranks behind it."""

    no_capacity = "/metrics tells no KV capacity: serve without --disable-log-stats, or set thunder.capacity_tokens"

    def __init__(self) -> None:
        self._config: Mapping[str, Any] = {}
        """``vllm_config`` of the process that runs; empty: not told."""
        self._series: tuple[str, ...] = (START, CACHE, *LOAD.values())
        """In the order of the last page."""
        self._filters = True
        """Whether it can leave out what is not wanted, as far as is known."""
        self._process_s: float | None = None
        self._looked = False
        self._tries = 0

    @property
    def kind(self) -> EngineKind:
        """Which."""
        return EngineKind.VLLM

    async def read(self, http: Http) -> Reading:
        """One look.

        Raises:
            EngineProblem: what answers there is no vLLM, or answers nonsense; the message names path and answer.
        """
        page = await self._metrics(http)
        try:
            found = samples(page, self._series)
        except ValueError as error:
            raise EngineProblem(f"{METRICS}: {error}") from None
        self._series = tuple(found)
        if not found[CACHE] and b"\nsglang:" in page:
            raise EngineProblem(f"{METRICS} is SGLang's")
        started_s = min((sample.value for sample in found[START]), default=None)
        await self._ask_config(http, started_s, needed=not found[CACHE])
        try:
            capacities = _of_page(found[CACHE]) or _of_config(self._config)
        except ValueError as error:
            raise EngineProblem(f"{METRICS} tells a KV capacity that cannot be: {error}") from None
        load: dict[int, dict[str, float]] = {rank: {} for rank in capacities or (0,)}
        for field, name in LOAD.items():
            for sample in found[name]:
                load.setdefault(_rank(sample), {})[field] = sample.value
        ranks = tuple(self._rank(index, capacities.get(index), load[index]) for index in sorted(load))
        return Reading(
            self.kind,
            ranks,
            routes_ranks=len(ranks) > 1,
            started_at_s=started_s,
            priority=self._priority(),
            problems=(self.no_capacity,) if any(rank.capacity_tokens is None for rank in ranks) else (),
        )

    def abort(self, request_id: str) -> Call | None:
        """vLLM ends a request when its connection closes."""
        return None

    def drop_cache(self) -> Call:
        """A development endpoint (``VLLM_SERVER_DEV_MODE=1``)."""
        return Call("/reset_prefix_cache")

    async def _metrics(self, http: Http) -> bytes:
        if self._filters:
            page = await http.get(FILTERED)
            if page.status == 200 and CACHE.encode() in page.body and problem(page.body) is None:
                return page.body
            self._filters = False
        return metrics_of(await http.get(METRICS), METRICS)

    async def _ask_config(self, http: Http, started_s: float | None, needed: bool) -> None:
        """If it is not needed for the first look, it can wait for the second: whoever starts waits for the first."""
        first, self._looked = not self._looked, True
        if started_s != self._process_s:
            self._process_s, self._tries, self._config = started_s, 0, {}
        if self._config or self._tries >= SERVER_INFO_TRIES or (first and not needed):
            return
        self._tries += 1
        try:
            async with asyncio.timeout(SERVER_INFO_TIMEOUT_S):
                page = await http.get(SERVER_INFO)
            if page.status == 404:  # not in development mode: the rule
                self._tries = SERVER_INFO_TRIES
            else:
                self._config = _mapping(json_of(page, SERVER_INFO), "vllm_config")
        except (TimeoutError, EngineProblem):
            return  # /metrics is what counts

    def _rank(self, index: int, capacity_tokens: int | None, load: Mapping[str, float]) -> Rank:
        usage, *counts = map(load.get, LOAD)
        return Rank(index, capacity_tokens, _host_tokens(self._config, capacity_tokens), share(usage), *map(count, counts))

    def _priority(self) -> PriorityOrder | None:
        by_priority = _mapping(self._config, "scheduler_config").get("policy") == "priority"
        return PriorityOrder.LOWER_FIRST if by_priority else None


def _of_page(infos: list[Sample]) -> dict[int, int | None]:
    """Capacities by rank."""
    ranks = {_rank(sample): sample.labels for sample in infos}
    return {rank: _rank_tokens(labels, len(ranks)) for rank, labels in ranks.items()}


def _of_config(config: Mapping[str, Any]) -> dict[int, int | None]:
    """The same where the page has no series of vLLM."""
    parallel = _mapping(config, "parallel_config")
    first, ranks = 0, parallel.get("data_parallel_size", 1)
    if parallel.get("data_parallel_external_lb"):  # each rank is a server of its own
        first, ranks = parallel.get("data_parallel_rank", 0), 1
    elif parallel.get("data_parallel_hybrid_lb"):  # a server for those of one machine
        first, ranks = parallel.get("data_parallel_rank", 0), parallel.get("data_parallel_size_local", 1)
    if not isinstance(first, int) or not isinstance(ranks, int) or ranks < 1:
        raise ValueError(f"{ranks} ranks")
    labels = {name: str(value) for name, value in _mapping(config, "cache_config").items()}
    return dict.fromkeys(range(first, first + ranks), _rank_tokens(labels, ranks))


def _rank_tokens(labels: Mapping[str, str], ranks: int) -> int | None:
    """Capacity of one rank of so many.

    ``num_gpu_blocks`` is what all ranks behind a frontend have together, on the line of each of them. ``kv_cache_size_tokens``
    (since 0.2x) is one rank's, and right for models with several kinds of attention layers, too. Both count one block for each
    rank that is never handed out, vLLM's padding.
    """
    size, blocks, whole = (_whole(labels, name) for name in ("block_size", "num_gpu_blocks", "kv_cache_size_tokens"))
    if size is None or blocks is None:  # "None" until the engine has profiled its memory
        return None
    return tokens((blocks // ranks - 1) * size if whole is None else whole - size)


def _host_tokens(config: Mapping[str, Any], rank_tokens: int | None) -> int:
    """Of the offloading connector's host memory: in tokens only where the device's KV cache is told in bytes as well."""
    if not config:
        return 0
    cache, parallel = _mapping(config, "cache_config"), _mapping(config, "parallel_config")
    device_bytes, host_gib = cache.get("kv_cache_memory_bytes"), cache.get("kv_offloading_size")
    devices = parallel.get("tensor_parallel_size", 1)
    if not (rank_tokens and device_bytes and host_gib and devices) or cache.get("num_gpu_blocks_override") is not None:
        return 0
    return int(rank_tokens * host_gib * 2**30 / (device_bytes * devices))


def _rank(sample: Sample) -> int:
    text = sample.labels.get("engine", "0")
    return int(text) if text.isdecimal() else 0


def _whole(labels: Mapping[str, str], name: str) -> int | None:
    text = labels.get(name, "")
    return int(text) if text.isdecimal() else None


def _mapping(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = within.get(name)
    return value if isinstance(value, dict) else {}
