"""Where a request's trace goes on: what the gateway asks of whoever makes spans."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from thunderagent.adapters.gateway.headers import Headers
from thunderagent.runtime import StepProfile

TRACE_HEADERS = frozenset((b"traceparent", b"tracestate"))
"""W3C Trace Context; where spans are made, the engine gets ours in their place."""


class Trace(Protocol):
    """Of one generating request."""

    @property
    def lines(self) -> list[bytes]:
        """Headers for the engine, without line ends: its spans are below ours."""
        ...

    def asked(self, model: bytes) -> None:
        """The request has been read; ``model``: as JSON, empty if it names none."""
        ...

    def took_step(self, step: StepProfile) -> None:
        """Its turn is over."""
        ...

    def problem(self, reason: str) -> None:
        """The gateway answers it itself."""
        ...

    def end(self, status: int) -> None:
        """It is over. ``status``: of the answer; 0: its client has left before there was one."""
        ...


class Tracing(Protocol):
    """Makes spans. Nothing of it may wait."""

    def begin(self, endpoint: str, headers: Headers) -> Trace:
        """A request to one of the generating endpoints is here."""
        ...


TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""Of the request whose task this is: the profile of its turn is told in the same task."""
