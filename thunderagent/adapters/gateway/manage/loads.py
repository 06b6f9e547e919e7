"""What engines tell of their own load, as views show it."""

from __future__ import annotations

from typing import Annotated, Protocol, Self

import msgspec
from msgspec import Meta


class Load(Protocol):
    """Of one backend, when it was last looked at. None: it does not tell. Totals are since its start."""

    @property
    def host_tokens(self) -> int:
        """KV cache in host memory."""
        ...

    @property
    def usage(self) -> float | None:
        """Share of the KV cache that running requests hold."""
        ...

    @property
    def running(self) -> int | None:
        """Requests."""
        ...

    @property
    def waiting(self) -> int | None:
        """Requests."""
        ...

    @property
    def preemptions(self) -> int | None:
        """In all."""
        ...

    @property
    def queried_tokens(self) -> int | None:
        """Prompt tokens looked up in the prefix cache, in all."""
        ...

    @property
    def hit_tokens(self) -> int | None:
        """Of those, found there."""
        ...


class LoadView(msgspec.Struct, kw_only=True):
    """What a backend told of itself last; null: it does not tell. Totals are since its start."""

    kv_usage: Annotated[float | None, Meta(description="Share of the KV cache that running requests hold.")]
    running: Annotated[int | None, Meta(description="Requests.")]
    waiting: Annotated[int | None, Meta(description="Requests.")]
    preemptions: int | None
    prefix_queried_tokens: Annotated[int | None, Meta(description="Prompt tokens looked up in the prefix cache.")]
    prefix_hit_tokens: Annotated[int | None, Meta(description="Of those, found there.")]
    host_tokens: Annotated[int, Meta(description="KV cache in host memory.")]

    @classmethod
    def of(cls, load: Load | None) -> Self | None:
        """None: nothing was told yet."""
        if load is None:
            return None
        return cls(
            kv_usage=load.usage,
            running=load.running,
            waiting=load.waiting,
            preemptions=load.preemptions,
            prefix_queried_tokens=load.queried_tokens,
            prefix_hit_tokens=load.hit_tokens,
            host_tokens=load.host_tokens,
        )
