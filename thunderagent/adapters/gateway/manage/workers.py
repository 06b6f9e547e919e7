"""``/workers`` (engines come and go while the gateway runs) and ``/servers``."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.loads import LoadView
from thunderagent.adapters.gateway.manage.managed import Managed, Worker
from thunderagent.adapters.gateway.manage.reading import body_of, flag, one
from thunderagent.adapters.gateway.manage.worker_url import MAX_URL_CHARACTERS, base_url, usable_url
from thunderagent.errors import RequestProblem


class WorkerView(msgspec.Struct, kw_only=True):
    """One engine."""

    id: Annotated[str, Meta(description="For DELETE /workers/{id}; the same for the same URL.")]
    url: str
    backends: Annotated[list[str], Meta(description="Its ids elsewhere, one for each data-parallel rank: URL, or URL#RANK.")]
    kind: Annotated[str | None, Meta(description="vllm, sglang or skyrl; null: not known yet.")]
    healthy: Annotated[bool, Meta(description="Whether it answers, and rightly.")]
    is_healthy: Annotated[bool, Meta(description="The same, as SGLang's router calls it.")]
    paused: Annotated[bool, Meta(description="It was stopped (/pause, /sleep and their kind) and gets no new turns.")]
    draining: bool
    capacity_tokens: int | None
    in_flight: Annotated[int, Meta(description="Requests that are there now.")]
    requests: Annotated[int, Meta(description="Sent since it joined, retries included.")]
    retries: int
    failures: int
    breaker: Annotated[str, Meta(description="closed: it gets requests; open: none; half_open: a probe.")]
    probe_in_s: Annotated[float | None, Meta(description="Until the next probe of an open breaker.")]
    last_problem: str | None
    loads: Annotated[dict[str, LoadView | None], Meta(description="What it told of itself last, by backend.")]

    @classmethod
    def of(cls, worker: Worker) -> Self:
        """As it is now."""
        return cls(
            id=worker_id(worker.url),
            url=worker.url,
            backends=list(worker.backends),
            kind=worker.kind,
            healthy=worker.healthy,
            is_healthy=worker.healthy,
            paused=worker.paused,
            draining=worker.draining,
            capacity_tokens=worker.capacity_tokens,
            in_flight=worker.in_flight,
            requests=worker.requests,
            retries=worker.retries,
            failures=worker.failures,
            breaker=worker.breaker,
            probe_in_s=worker.probe_in_s,
            last_problem=worker.last_problem,
            loads={backend: LoadView.of(load) for backend, load in worker.loads.items()},
        )


class WorkerList(msgspec.Struct):
    """All engines."""

    workers: list[WorkerView]
    total: int


class ServerState(msgspec.Struct):
    """One engine in a word."""

    url: str
    state: Annotated[Literal["up", "paused", "draining", "down"], Meta(description="Up: it gets new turns.")]
    kind: Annotated[str | None, Meta(description="vllm, sglang or skyrl; null: not known yet.")]
    loads: Annotated[dict[str, LoadView | None], Meta(description="What it told of itself last, by backend.")]


class ServerList(msgspec.Struct):
    """All engines."""

    servers: Annotated[list[str], Meta(description="URLs, as SkyRL's router gives them.")]
    states: list[ServerState]


class NewWorker(msgspec.Struct):
    """Which engine."""

    url: Annotated[str, Meta(description="Such as http://gpu1:8000.", max_length=MAX_URL_CHARACTERS)]


class _AnyWorker(msgspec.Struct):
    """What is taken beyond what the document says: the URL may be in the body or in the query."""

    url: str | None = None


class WorkerChanged(msgspec.Struct):
    """What becomes of it."""

    id: str
    url: str
    status: Literal["added", "known", "draining", "removed"]


def worker_id(url: str) -> str:
    """Short, and without slashes: clients put it in a path."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


async def list_workers(gateway: Managed, request: Request) -> Response:
    """With all that is known of them."""
    views = [WorkerView.of(worker) for worker in gateway.workers.list()]
    return as_json(WorkerList(views, len(views)))


async def list_servers(gateway: Managed, request: Request) -> Response:
    """In short."""
    workers = gateway.workers.list()
    return as_json(ServerList([worker.url for worker in workers], [_server(worker) for worker in workers]))


async def add_worker(gateway: Managed, request: Request) -> Response:
    """It gets turns as soon as it has answered. Adding one that is there is no error; one that is draining stays."""
    url = await usable_url(await _asked_url(request), request.app.state.resolve)
    there = by_name(gateway, url)
    if there is not None:
        url = there.url
    await gateway.workers.add(url)
    known = there is not None and not there.draining
    return as_json(WorkerChanged(worker_id(url), url, "known" if known else "added"), 200 if known else 201)


async def drain_worker(gateway: Managed, request: Request) -> Response:
    """It gets no new turns, its programs move, and it leaves when its turns have ended; with ``force`` it leaves at once."""
    return await drain(gateway, await named_worker(gateway, request), force=flag(request, "force") is True)


async def named_worker(gateway: Managed, request: Request) -> Worker:
    """The engine that a request names by its id or URL.

    Raises:
        RequestProblem: 404, there is none; 400, it names none.
    """
    name: str = request.path_params.get("worker_id") or await _asked_url(request)
    worker = by_name(gateway, name)
    if worker is None:
        raise RequestProblem(404, "unknown_worker", "there is no such engine", param="url")
    return worker


async def drain(gateway: Managed, worker: Worker, *, force: bool) -> Response:
    """Let an engine go; ``force``: at once."""
    leave = gateway.workers.remove if force else gateway.workers.drain
    await leave(worker.url)
    gone = force or by_name(gateway, worker.url) is None  # there is nothing to wait for where it was down
    changed = WorkerChanged(worker_id(worker.url), worker.url, "removed" if gone else "draining")
    return as_json(changed, 200 if gone else 202)


async def _asked_url(request: Request) -> str:
    asked = await body_of(request, _AnyWorker)
    url = asked.url if asked.url is not None else one(request, "url")
    if url is None:
        raise RequestProblem(400, "missing_url", "url is missing", param="url")
    return url


def by_name(gateway: Managed, name: str) -> Worker | None:
    """The engine of this id or URL, however the URL is spelt."""
    url = base_url(name)[0] if "://" in name else name
    return next((worker for worker in gateway.workers.list() if url in (_spelt(worker.url), worker_id(worker.url))), None)


def _spelt(url: str) -> str:
    """As ``base_url`` spells it; an engine that the gateway was started with may have a URL that it would refuse."""
    try:
        return base_url(url)[0]
    except RequestProblem:
        return url


def _server(worker: Worker) -> ServerState:
    loads = {backend: LoadView.of(load) for backend, load in worker.loads.items()}
    return ServerState(worker.url, _state(worker), worker.kind, loads)


def _state(worker: Worker) -> Literal["up", "paused", "draining", "down"]:
    if worker.draining:
        return "draining"
    if not worker.healthy or worker.breaker != "closed":
        return "down"
    return "paused" if worker.paused else "up"


_URL = Parameter("url", "Such as http://gpu1:8000.", {"type": "string"}, required=True)
_FORCE = Parameter("force", "Let it go now, turns and all.", {"type": "boolean"})
_ID = Parameter("worker_id", "Its id, or its URL.", {"type": "string", "minLength": 1}, required=True)
_GONE: dict[int, type[WorkerChanged]] = {200: WorkerChanged, 202: WorkerChanged}
_UNKNOWN = {404: "There is no such engine."}

ENDPOINTS = (
    Endpoint("GET", "/servers", Need.READ, list_servers, "Engines in short", {200: ServerList}),
    Endpoint("GET", "/workers", Need.READ, list_workers, "Engines", {200: WorkerList}),
    Endpoint(
        "POST",
        "/workers",
        Need.ADMIN,
        add_worker,
        "Add an engine",
        {200: WorkerChanged, 201: WorkerChanged},
        body=NewWorker,
    ),
    Endpoint("DELETE", "/workers", Need.ADMIN, drain_worker, "Drain an engine", _GONE, (_URL, _FORCE), problems=_UNKNOWN),
    Endpoint(
        "DELETE",
        "/workers/{worker_id:path}",
        Need.ADMIN,
        drain_worker,
        "Drain an engine",
        _GONE,
        (_ID, _FORCE),
        problems=_UNKNOWN,
    ),
)
