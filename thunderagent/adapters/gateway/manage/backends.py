"""``GET /metrics.json``: each engine, as the scheduler's account has it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint
from thunderagent.adapters.gateway.manage.loads import LoadView
from thunderagent.adapters.gateway.manage.managed import Managed, Worker
from thunderagent.core.ledger import Backend
from thunderagent.runtime import Runtime


class CacheConfig(msgspec.Struct):
    """An engine's KV cache."""

    total_tokens_capacity: int | None


class BackendView(msgspec.Struct, kw_only=True):
    """One engine; the fields down to ``cache_config`` are those of the public API. Tokens, unless it says otherwise."""

    url: str
    active_program_tokens: Annotated[int, Meta(description="Of all programs counted here, each with its whole context.")]
    reasoning_program_tokens: Annotated[int, Meta(description="Private tokens of programs with a running turn.")]
    acting_program_tokens: Annotated[int, Meta(description="Private tokens of programs between turns.")]
    active_program_count: int
    reasoning_program_count: int
    acting_program_count: int
    active_program_tokens_ratio: Annotated[float, Meta(description="Committed / capacity; 0 where that is not known.")]
    total_program_tokens: int
    paused_program_count: Annotated[int, Meta(description="Programs whose KV cache was here last and was given up.")]
    future_paused_tokens: Annotated[int, Meta(description="To be given up when running turns end.")]
    shared_tokens: Annotated[int, Meta(description="Counted once though several programs have them: what sharing saves.")]
    capacity_overflow: Annotated[int, Meta(description="Committed beyond the capacity.")]
    healthy: Annotated[bool, Meta(description="Whether it answers.")]
    cache_config: CacheConfig
    committed_tokens: Annotated[int, Meta(description="What the programs counted here need, shared starts once.")]
    draining: bool
    breaker: Annotated[str, Meta(description="closed: it gets requests; open: none; half_open: a probe.")]
    in_flight: Annotated[int, Meta(description="Requests.")]
    last_problem: str | None
    prefill_tokens_per_s: Annotated[float | None, Meta(description="Measured; null while no turns may be sent there.")]
    kind: Annotated[str | None, Meta(description="vllm, sglang or skyrl; null: not known yet.")]
    engine: Annotated[LoadView | None, Meta(description="What the engine told of itself last.")]


class Metrics(msgspec.Struct):
    """All engines, and the scheduler's totals."""

    metrics_enabled: Annotated[bool, Meta(description="Whether GET /metrics is served.")]
    backends: dict[str, BackendView]
    scheduler: dict[str, float]


def paused_by_backend(runtime: Runtime) -> Counter[str | None]:
    """Programs that are counted nowhere, by where their KV was last. O(programs)."""
    return Counter(program.origin_id for program in runtime.scheduler.programs.values() if program.backend is None)


def committed_tokens(backend: Backend) -> int:
    """What the programs on a backend need."""
    return backend.private_tokens + backend.shared_tokens


async def metrics(gateway: Managed, request: Request) -> Response:
    """O(programs)."""
    runtime = gateway.runtime
    backends, paused = runtime.scheduler.ledger.backends, paused_by_backend(runtime)
    views = {
        backend: _view(worker, backends.get(backend) or _nothing(backend, worker), paused[backend])
        for worker in gateway.workers.list()
        for backend in worker.backends or (worker.url,)
    }
    return as_json(Metrics(request.app.state.metrics_enabled, views, runtime.snapshot()))


def _nothing(backend_id: str, worker: Worker) -> Backend:
    """Of one that the scheduler does not know (any more)."""
    return Backend(backend_id, 0, worker.capacity_tokens)


def _view(worker: Worker, backend: Backend, paused: int) -> BackendView:
    committed, capacity = committed_tokens(backend), backend.capacity_tokens
    whole = backend.private_tokens + backend.credited_tokens
    acting = len(backend.acting)
    return BackendView(
        url=worker.url,
        active_program_tokens=whole,
        reasoning_program_tokens=backend.private_reasoning_tokens,
        acting_program_tokens=backend.private_acting_tokens,
        active_program_count=backend.resident,
        reasoning_program_count=backend.resident - acting,
        acting_program_count=acting,
        active_program_tokens_ratio=round(committed / capacity, 4) if capacity else 0.0,
        total_program_tokens=whole,
        paused_program_count=paused,
        future_paused_tokens=backend.marked_tokens,
        shared_tokens=backend.credited_tokens - backend.shared_tokens,
        capacity_overflow=max(0, committed - capacity) if capacity is not None else 0,
        healthy=worker.healthy,
        cache_config=CacheConfig(capacity),
        committed_tokens=committed,
        draining=worker.draining,
        breaker=worker.breaker,
        in_flight=worker.in_flight,
        last_problem=worker.last_problem,
        prefill_tokens_per_s=backend.prefill_tokens_per_s if backend.usable else None,
        kind=worker.kind,
        engine=LoadView.of(worker.loads.get(backend.id)),
    )


ENDPOINTS = (
    Endpoint("GET", "/metrics.json", Need.READ, metrics, "Each engine, as the scheduler's account has it", {200: Metrics}),
)
