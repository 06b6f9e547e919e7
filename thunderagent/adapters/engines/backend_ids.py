"""Ids of backends. What has a KV cache of its own is one: ``http://gpu1:8000`` an engine, ``http://gpu1:8000#1`` its rank 1."""

from __future__ import annotations


def backend_id(url: str, rank: int | None) -> str:
    """Of one data-parallel rank of an engine; None: of the whole engine."""
    return url if rank is None else f"{url}#{rank}"


def split(backend: str) -> tuple[str, int | None]:
    """The engine's URL, and the rank, as ``backend_id`` takes them."""
    url, _, rank = backend.partition("#")
    return url, int(rank) if rank else None
