"""``/workers`` as slime asks its router, where the gateway stands in for that (``router_for: slime``).

slime sends no keys. Its engines register themselves and go by themselves, so whoever asks for that has to be on the engine's own
machine: what he could reach from there he reaches anyway. The end of a rollout is told by asking for the list.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.manage import workers
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.reading import body_of, flag
from thunderagent.adapters.gateway.manage.worker_url import (
    MAX_URL_CHARACTERS,
    Address,
    base_url,
    literal_address,
    usable_url,
)
from thunderagent.adapters.gateway.manage.workers import WorkerChanged, worker_id
from thunderagent.errors import RequestProblem

ROLLOUT_CLIENT = "python-httpx/"
"""The ``User-Agent`` of slime's rollouts, which ask for the engines in order to abort what runs there. Its engines
ask with another client when they go (to learn their id), and people with others: for them nothing is over."""
REGULAR = "regular"


class SlimeWorker(msgspec.Struct, kw_only=True):
    """An engine. Keys are not asked for, so that there is little to see; ``GET /servers`` has more."""

    id: Annotated[str, Meta(description="For DELETE /workers/{id}.")]
    url: str
    is_healthy: bool
    worker_type: str = REGULAR


class SlimeWorkers(msgspec.Struct):
    """All engines; for a rollout that has ended, those that answer."""

    workers: list[SlimeWorker]


class NewSlimeWorker(msgspec.Struct):
    """An engine of slime's. What else is sent is ignored."""

    url: Annotated[str, Meta(description="Such as http://10.0.0.5:15000.", max_length=MAX_URL_CHARACTERS)]
    worker_type: str = REGULAR


async def list_workers(gateway: Managed, request: Request) -> Response:
    """Asked by slime's rollout, it is its end: what waits is answered as aborted, before what runs is aborted at the engines."""
    engines = gateway.workers.list()
    if request.headers.get("user-agent", "").startswith(ROLLOUT_CLIENT):
        gateway.end_rollout()
        engines = [engine for engine in engines if engine.backends]  # it would try to reach a dead one for a minute
    views = [SlimeWorker(id=worker_id(engine.url), url=engine.url, is_healthy=engine.healthy) for engine in engines]
    return as_json(SlimeWorkers(views))


async def add_worker(gateway: Managed, request: Request) -> Response:
    """An engine of slime's is up; it gets turns as soon as it has answered."""
    asked = await body_of(request, NewSlimeWorker)
    if asked.worker_type != REGULAR:
        message = f"engines of type {asked.worker_type!r} cannot be scheduled: run slime without prefill-decode disaggregation"
        raise RequestProblem(400, "unknown_worker_type", message, param="worker_type")
    url = await usable_url(asked.url, request.app.state.resolve)
    there = workers.by_name(gateway, url)
    if there is None:
        _check_asker(request, url)
    else:
        url = there.url
    await gateway.workers.add(url)
    known = there is not None and not there.draining
    return as_json(WorkerChanged(worker_id(url), url, "known" if known else "added"), 202)


async def remove_worker(gateway: Managed, request: Request) -> Response:
    """An engine of slime's is about to be ended: it gets no new turns, its programs move."""
    worker = await workers.named_worker(gateway, request)
    _check_asker(request, worker.url)
    return await workers.drain(gateway, worker, force=flag(request, "force") is True)


def _check_asker(request: Request, url: str) -> None:
    """Let pass who shows an admin key or is on the engine's machine. A name proves nothing: its address may change.

    Raises:
        RequestProblem: 403.
    """
    access: Access = request.app.state.access
    if access.allows(Need.ADMIN, request.scope["headers"]):
        return
    asker = None if request.client is None else _plain(literal_address(request.client.host))
    engine = _plain(literal_address(base_url(url)[1]))
    if asker is None or engine is None or not (asker == engine or (_is_ours(asker) and _is_ours(engine))):
        raise RequestProblem(
            403,
            "not_its_machine",
            f"without an admin key, an engine is added and removed from its own machine and by its address: {url} was not, by "
            f"{asker}. Name engines that are elsewhere when the gateway is started",
            param="url",
        )


def _plain(address: Address | None) -> Address | None:
    """An IPv4 address as such, however the gateway's socket shows it."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _is_ours(address: Address) -> bool:
    """Whether it is an address of this machine: only such can be bound."""
    try:
        with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


_NOT_ITS_MACHINE = {403: "The request does not come from the engine's machine."}
ENDPOINTS = (
    Endpoint("GET", "/workers", Need.NOTHING, list_workers, "Engines; the end of a rollout", {200: SlimeWorkers}),
    Endpoint(
        *("POST", "/workers", Need.NOTHING, add_worker, "Add an engine"),
        answers={202: WorkerChanged},
        body=NewSlimeWorker,
        problems=_NOT_ITS_MACHINE,
    ),
    *(
        replace(endpoint, need=Need.NOTHING, handler=remove_worker, problems={**endpoint.problems, **_NOT_ITS_MACHINE})
        for endpoint in workers.ENDPOINTS
        if endpoint.method == "DELETE"
    ),
)
