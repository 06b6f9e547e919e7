"""A scheduler that gateways of other processes share: all that ``serving`` has, and links to them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from thunderagent.adapters.engines.detect import AUTO
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.link import messages
from thunderagent.adapters.link.address import Address
from thunderagent.adapters.link.server import SchedulerServer
from thunderagent.adapters.link.sockets import forget, listen
from thunderagent.config import ThunderConfig
from thunderagent.core import BackendJoined, BackendLeft, CapacityChanged, Effect, Event, HealthChanged
from thunderagent.runtime import Runtime
from thunderagent.serving import Serving
from thunderagent.tools_config import ToolsConfig


class SchedulerServing(Serving):
    """Also the desk of its gateways (``adapters.link.peer.Desk``)."""

    def __init__(
        self,
        config: ThunderConfig,
        settings: GatewaySettings,
        urls: Sequence[str],
        engine_type: str = AUTO,
        *,
        group_of: Callable[[str], str] | None = None,
        tools: ToolsConfig | None = None,
    ) -> None:
        """As of ``Serving``."""
        super().__init__(config, settings, urls, engine_type, group_of=group_of, tools=tools)
        self.names_sessions = config.kv_events is not None
        self.server: SchedulerServer | None = None
        """Where gateways are accepted; None: not yet."""
        self.session.listen(self)
        self.runtime.watch(self._watch)
        self.gateway.on_end_rollout = self._end_rollout

    @contextlib.asynccontextmanager
    async def linked(self, address: Address, port: int, *, token: str = "", option: str = "--listen") -> AsyncIterator[Address]:
        """Gateways are accepted there until the block ends; gives where, as port 0 takes a free one.

        ``port``: of this process's HTTP.

        Raises:
            ConfigError: it cannot be listened on. Names the option.
        """
        self.server = SchedulerServer(self, token=token, port=port)
        try:
            listening = await listen(option, address, self.server.accept)
            try:
                yield replace(address, port=listening.sockets[0].getsockname()[1]) if address.path is None else address
            finally:
                listening.close()
                forget(address)
        finally:
            self.server.close()

    # Backends

    def joined(self, backend_id: str) -> None:
        """Gateways know of it before it gets turns."""
        self._tell_backends()

    def left(self, backend_id: str) -> None:
        """They are told of the turns that it had first."""

    def _watch(self, event: Event, effects: Sequence[Effect]) -> None:
        if isinstance(event, BackendJoined | BackendLeft | HealthChanged | CapacityChanged):
            self._tell_backends()

    def _tell_backends(self) -> None:
        if self.server is not None:
            self.server.tell_backends()

    def _end_rollout(self) -> None:
        if self.server is not None:
            self.server.end_rollout()

    # The desk

    @property
    def runtime(self) -> Runtime:
        """The one that decides."""
        return self.session.runtime

    def backends(self) -> list[messages.Backend]:
        """As gateways reach them."""
        return [self._backend(backend_id) for backend_id in self.gateway.fleet.ids]

    def _backend(self, backend_id: str) -> messages.Backend:
        route, counted = self.route_of(backend_id), self.runtime.scheduler.ledger.backends.get(backend_id)
        abort = None if route.abort is None else tuple(route.abort(messages.REQUEST_ID))
        healthy = counted is None or counted.usable
        return messages.Backend(backend_id, route.url, route.rank, route.priority_sign, abort, healthy)  # type: ignore[arg-type]

    def asked(self, program_id: str) -> str:
        """Its group."""
        self.gateway.interruptions.asked(program_id)
        return "" if self.group_of is None else self.group_of(program_id)

    def took(self, backend_id: str, *, retry: bool) -> int:
        """In the fleet."""
        return self.gateway.fleet.took(backend_id, retry=retry)

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool) -> None:
        """In the fleet."""
        self.gateway.fleet.ended(backend_id, ok, epoch, answered=answered)

    def saw_weights(self, backend_id: str, version: str) -> None:
        """Told to the engine watch."""
        self.session.engines.saw_weights(backend_id, version)

    def counted(self, counts: messages.Http, *, opened: int) -> None:
        """Added to what is counted here."""
        total = self.gateway.counts
        for endpoint, status, number in counts.answers:
            total.answers[endpoint, status] += number
        for reason, number in counts.problems:
            total.problems[reason] += number
        total.retries += counts.retries
        total.disconnects += counts.disconnects
        total.passed_through += counts.passed_through
        total.open_requests += opened

    async def attach(self, program_id: str, docker_ids: tuple[str, ...]) -> object:
        """Of the tools.

        Raises:
            RequestProblem: it cannot be done.
        """
        return await self.gateway.attach(program_id, docker_ids)
