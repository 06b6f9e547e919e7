"""One kind of engine: how it is read, and which requests act on it. ``vllm``, ``sglang`` and ``skyrl`` are behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from thunderagent.adapters.engines.reading import EngineKind, Reading


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of an engine."""

    status: int
    content_type: str
    body: bytes


class Http(Protocol):
    """Asks one engine."""

    async def get(self, path: str) -> Page:
        """Any status; redirects are not followed.

        Raises:
            EngineProblem: there is no whole answer; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request that acts on an engine."""

    path: str
    json: Mapping[str, Any] | None = None
    method: str = "POST"


class Engine(Protocol):
    """One kind of engine."""

    @property
    def kind(self) -> EngineKind:
        """Which."""
        ...

    async def read(self, http: Http) -> Reading:
        """One look.

        Raises:
            EngineProblem: what answers there is no such engine, or answers nonsense; the message names path and answer.
        """
        ...

    def abort(self, request_id: str) -> Call | None:
        """Ends one request; None: closing its connection does."""
        ...

    def drop_cache(self) -> Call:
        """Empties its prefix cache."""
        ...
