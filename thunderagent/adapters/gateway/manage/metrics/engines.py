"""Engines and their KV caches: ``engine`` is an engine's URL; ``backend`` names a KV cache, the engine's or that of one rank."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.breaker import BreakerState
from thunderagent.adapters.gateway.manage.backends import committed_tokens
from thunderagent.adapters.gateway.manage.loads import Load
from thunderagent.adapters.gateway.manage.managed import Managed, Worker
from thunderagent.adapters.gateway.manage.metrics.family import Family, counter, gauge
from thunderagent.core.ledger import Backend

INFO = gauge("engine_info", "1; what the engine is: vllm, sglang or skyrl.", "engine", "kind")
BREAKER = gauge(
    "engine_breaker",
    "1 for the state of its circuit breaker: closed, open (it gets no requests) or half_open (a probe).",
    "engine",
    "state",
)
OF_WORKERS: tuple[tuple[Family, Callable[[Worker], float]], ...] = (
    (gauge("engine_up", "1 while it answers.", "engine"), lambda worker: worker.healthy),
    (gauge("engine_draining", "1 while it is about to leave.", "engine"), lambda worker: worker.draining),
    (gauge("engine_open_requests", "Requests of the gateway that it is at.", "engine"), lambda worker: worker.in_flight),
    (
        counter("engine_requests", "Requests sent there since it joined, retries included.", "engine"),
        lambda worker: worker.requests,
    ),
    (counter("engine_retries", "Of these: sent again after a failure.", "engine"), lambda worker: worker.retries),
    (counter("engine_failures", "Of these: failed.", "engine"), lambda worker: worker.failures),
    (
        counter("engine_breaker_openings", "Times that it was taken out of rotation.", "engine"),
        lambda worker: worker.breaker_openings,
    ),
)
"""As the gateway sees them. Counters begin again when an engine joins again, as those of a process that was restarted do."""
OF_LOADS: tuple[tuple[Family, Callable[[Load], float | None]], ...] = (
    (gauge("engine_kv_usage_ratio", "Share of its KV cache that running requests hold.", "backend"), lambda load: load.usage),
    (gauge("engine_running_requests", "Requests that it runs.", "backend"), lambda load: load.running),
    (gauge("engine_waiting_requests", "Requests that wait in it.", "backend"), lambda load: load.waiting),
    (
        gauge("engine_host_capacity_tokens", "KV cache in host memory; 0 where there is none.", "backend"),
        lambda load: load.host_tokens,
    ),
    (counter("engine_preemptions", "Requests that it has preempted.", "backend"), lambda load: load.preemptions),
    (
        counter("engine_prefix_queried_tokens", "Prompt tokens that it has looked up in its prefix cache.", "backend"),
        lambda load: load.queried_tokens,
    ),
    (counter("engine_prefix_hit_tokens", "Of these: found there.", "backend"), lambda load: load.hit_tokens),
)
"""As the engine itself tells them; not there where it does not."""
OF_BACKENDS: tuple[tuple[Family, Callable[[Backend], float | None]], ...] = (
    (gauge("backend_usable", "1 while turns may be sent there.", "backend"), lambda backend: backend.usable),
    (
        gauge("backend_capacity_tokens", "KV capacity; not there while it is not known.", "backend"),
        lambda backend: backend.capacity_tokens,
    ),
    (gauge("backend_committed_tokens", "What the programs there need, shared starts once.", "backend"), committed_tokens),
    (
        gauge("backend_reasoning_programs", "Programs with a running turn.", "backend"),
        lambda backend: backend.resident - len(backend.acting),
    ),
    (
        gauge("backend_acting_programs", "Programs between turns whose KV cache is held.", "backend"),
        lambda backend: len(backend.acting),
    ),
    (
        gauge("backend_prefill_tokens_per_second", "Measured speed of prefill.", "backend"),
        lambda backend: backend.prefill_tokens_per_s,
    ),
    (
        gauge("backend_capacity_fit_ratio", "Correction of the capacity by cache misses that were seen.", "backend"),
        lambda backend: backend.fit,
    ),
)
"""The scheduler's account."""
FAMILIES = (INFO, BREAKER, *(family for table in (OF_WORKERS, OF_LOADS, OF_BACKENDS) for family, _ in table))


class EngineMetrics(Collector):
    """Reads what is known of the engines when somebody asks. O(engines)."""

    def __init__(self, gateway: Managed) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        workers = list(self._gateway.workers.list())
        yield INFO.rows(((worker.url, worker.kind), 1) for worker in workers if worker.kind is not None)
        yield BREAKER.rows(((worker.url, state.value), worker.breaker == state) for worker in workers for state in BreakerState)
        for family, of_worker in OF_WORKERS:
            yield family.rows(((worker.url,), of_worker(worker)) for worker in workers)
        loads = {backend: load for worker in workers for backend, load in worker.loads.items()}
        for family, of_load in OF_LOADS:
            yield family.rows(((backend,), of_load(load)) for backend, load in loads.items())
        backends = self._gateway.runtime.scheduler.ledger.backends
        for family, of_backend in OF_BACKENDS:
            yield family.rows(((backend.id,), of_backend(backend)) for backend in backends.values())
