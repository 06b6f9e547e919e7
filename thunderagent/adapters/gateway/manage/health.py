"""``GET /health`` (does the process live?) and ``GET /ready`` (may requests be sent here?)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.backends import paused_by_backend
from thunderagent.adapters.gateway.manage.endpoint import Endpoint
from thunderagent.adapters.gateway.manage.managed import Managed


class BackendPrograms(msgspec.Struct, kw_only=True):
    """Programs of one engine."""

    total: Annotated[int, Meta(description="Those whose KV cache is counted there.")]
    reasoning: int
    acting: int
    paused: Annotated[int, Meta(description="Those whose KV cache was there last.")]


class Health(msgspec.Struct, kw_only=True):
    """That the process lives, and for those who may read views, what it does."""

    status: Literal["ok"] = "ok"
    router_mode: Annotated[str, Meta(description="The scheduling policy.")] | UnsetType = UNSET
    scheduling_enabled: Annotated[bool, Meta(description="False also once the policy has failed.")] | UnsetType = UNSET
    backends: list[str] | UnsetType = UNSET
    programs_count: int | UnsetType = UNSET
    reasoning_count: int | UnsetType = UNSET
    acting_count: int | UnsetType = UNSET
    paused_count: int | UnsetType = UNSET
    per_backend: dict[str, BackendPrograms] | UnsetType = UNSET
    profile_enabled: bool | UnsetType = UNSET
    waiting_turns: int | UnsetType = UNSET
    weight_sync_active: bool | UnsetType = UNSET
    draining: bool | UnsetType = UNSET


class Ready(msgspec.Struct, kw_only=True):
    """Whether requests may be sent here."""

    ready: bool
    problems: Annotated[
        list[Literal["draining", "recovering", "no_backend_up", "scheduling_degraded"]],
        Meta(description="Why not; empty: it is ready."),
    ]


def unready(gateway: Managed) -> list[str]:
    """Why requests had better go elsewhere; empty: they may come. O(1)."""
    problems = []
    if gateway.draining:
        problems.append("draining")
    if gateway.runtime.keeper is not None and gateway.runtime.keeper.recovering:
        problems.append("recovering")
    if not gateway.runtime.scheduler.ledger.any_usable:
        problems.append("no_backend_up")
    if gateway.runtime.degraded:
        problems.append("scheduling_degraded")
    return problems


async def ready(gateway: Managed, request: Request) -> Response:
    """503 while it is not."""
    problems = unready(gateway)
    return as_json({"ready": not problems, "problems": problems}, 503 if problems else 200)


async def health(gateway: Managed, request: Request) -> Response:
    """200 as long as anything answers at all."""
    access: Access = request.app.state.access
    return as_json(_details(gateway) if access.allows(Need.READ, request.scope["headers"]) else Health())


def _details(gateway: Managed) -> Health:
    runtime = gateway.runtime
    paused = paused_by_backend(runtime)
    per_backend = {
        backend.id: BackendPrograms(
            total=backend.resident,
            reasoning=backend.resident - len(backend.acting),
            acting=len(backend.acting),
            paused=paused.get(backend.id, 0),
        )
        for backend in runtime.scheduler.ledger.backends.values()
    }
    return Health(
        router_mode=gateway.mode,
        scheduling_enabled=gateway.mode != "default" and not runtime.degraded,
        backends=[worker.url for worker in gateway.workers.list()],
        programs_count=len(runtime.scheduler.programs),
        reasoning_count=sum(programs.reasoning for programs in per_backend.values()),
        acting_count=sum(programs.acting for programs in per_backend.values()),
        paused_count=paused.total(),
        per_backend=per_backend,
        profile_enabled=gateway.profiles is not None,
        waiting_turns=runtime.scheduler.waiting_turns,
        weight_sync_active=runtime.scheduler.syncing,
        draining=gateway.draining,
    )


ENDPOINTS = (
    Endpoint("GET", "/health", Need.NOTHING, health, "Whether the gateway lives", {200: Health}),
    Endpoint("GET", "/ready", Need.NOTHING, ready, "Whether requests may be sent here", {200: Ready, 503: Ready}),
)
