"""Batches of KV cache events, as engines publish them: msgpack, events as maps (vLLM, SGLang) or as rows (earlier versions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from thunderagent.errors import EngineProblem

Hash = int | bytes
"""Names a block, its content and all that is before it in one."""
ON_DEVICE = (None, "GPU")
"""Media that requests compute from; copies in host memory or on disks are told of, too."""
WHOLE_CONTEXT = (None, "full_attention", "mla_attention", "sink_full_attention", "unknown")
"""Kinds of layers that keep the KV of a whole context; windows and states of other layers come and go beside it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Blocks that continue one another are in the cache, once more."""

    hashes: tuple[Hash, ...]
    parent: Hash | None
    """The block that the first continues; None: it begins a context."""
    block_tokens: int
    session: str = ""
    """The session whose request stored them (``X-Session-ID``); empty: not told."""
    group: int | None = None
    """Group of layers."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Blocks are in the cache once less."""

    hashes: tuple[Hash, ...]
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """The cache is empty."""


KvEvent = Stored | Removed | Cleared


class _Batch(msgspec.Struct, array_like=True):
    ts: float
    events: list[msgspec.Raw]


class _StoredMap(msgspec.Struct, tag="BlockStored"):
    block_hashes: list[Hash]
    block_size: int
    parent_block_hash: Hash | None = None
    medium: str | None = None
    group_idx: int | None = None
    kv_cache_spec_kind: str | None = None
    session_id: str | None = None


class _RemovedMap(msgspec.Struct, tag="BlockRemoved"):
    block_hashes: list[Hash]
    medium: str | None = None
    group_idx: int | None = None


class _ClearedMap(msgspec.Struct, tag="AllBlocksCleared"):
    pass


class _StoredRow(msgspec.Struct, array_like=True, tag="BlockStored"):
    block_hashes: list[Hash]
    parent_block_hash: Hash | None
    token_ids: msgspec.Raw  # not decoded: nobody reads it
    block_size: int
    lora_id: Any = None
    medium: str | None = None


class _RemovedRow(msgspec.Struct, array_like=True, tag="BlockRemoved"):
    block_hashes: list[Hash]
    medium: str | None = None


class _ClearedRow(msgspec.Struct, array_like=True, tag="AllBlocksCleared"):
    pass


_batch = msgspec.msgpack.Decoder(_Batch)
_map = msgspec.msgpack.Decoder(_StoredMap | _RemovedMap | _ClearedMap)
_row = msgspec.msgpack.Decoder(_StoredRow | _RemovedRow | _ClearedRow)
_kind = msgspec.msgpack.Decoder()
KINDS = ("BlockStored", "BlockRemoved", "AllBlocksCleared")


def decode(payload: bytes) -> list[KvEvent]:
    """The events of a batch that change what is cached on the device; kinds that are not known are left out.

    Raises:
        EngineProblem: the batch is none.
    """
    try:
        events = (_event(raw) for raw in _batch.decode(payload).events)
        return [event for event in events if event is not None]
    except msgspec.MsgspecError as error:
        raise EngineProblem(f"a batch of KV cache events cannot be read: {error}") from None


def _event(raw: msgspec.Raw) -> KvEvent | None:
    view = memoryview(raw)
    as_map = view[0] in _MAP_BYTES
    try:
        event = (_map if as_map else _row).decode(view)
    except msgspec.ValidationError:
        if _kind_of(view) in KINDS:
            raise
        return None
    if isinstance(event, _ClearedMap | _ClearedRow):
        return Cleared()
    if event.medium not in ON_DEVICE:
        return None
    hashes = tuple(event.block_hashes)
    if isinstance(event, _RemovedMap):
        return Removed(hashes, event.group_idx)
    if isinstance(event, _RemovedRow):
        return Removed(hashes)
    if isinstance(event, _StoredRow):
        return Stored(hashes, event.parent_block_hash, event.block_size)
    if event.kv_cache_spec_kind not in WHOLE_CONTEXT:
        return None
    return Stored(hashes, event.parent_block_hash, event.block_size, event.session_id or "", event.group_idx)


_MAP_BYTES = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
"""How a map begins in msgpack."""


def _kind_of(view: memoryview) -> object:
    event = _kind.decode(view)
    if isinstance(event, dict):
        return event.get("type")
    return event[0] if isinstance(event, list) and event else None
