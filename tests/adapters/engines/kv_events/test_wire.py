"""Batches as vLLM 0.32, SGLang 0.5.23 and earlier versions write them, and what they may become."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from thunderagent.adapters.engines.kv_events.wire import Cleared, KvEvent, Removed, Stored, decode
from thunderagent.errors import EngineProblem

HASH = 15217365740222080624
"""As vLLM names a block: 64 bits, which no signed number holds."""


def read(*events: Any, more: tuple[Any, ...] = (0,)) -> list[KvEvent]:
    return decode(msgspec.msgpack.encode([1795679086.19, list(events), *more]))


def test_maps_as_vllm_0_32_writes_them() -> None:
    stored = {
        "type": "BlockStored",
        "block_hashes": [HASH, b"\x01\x02"],
        "parent_block_hash": 7,
        "token_ids": list(range(64)),
        "block_size": 32,
        "lora_id": None,
        "medium": "GPU",
        "lora_name": None,
        "extra_keys": [None, ["salt"]],
        "group_idx": 0,
        "kv_cache_spec_kind": "full_attention",
        "session_id": "prog-a",
    }
    removed = {"type": "BlockRemoved", "block_hashes": [HASH], "medium": "GPU", "group_idx": 1}
    assert read(stored, removed, {"type": "AllBlocksCleared"}) == [
        Stored((HASH, b"\x01\x02"), 7, 32, "prog-a", 0),
        Removed((HASH,), 1),
        Cleared(),
    ]


def test_rows_as_earlier_versions_write_them() -> None:
    rows = [["BlockStored", [1, 2], None, [5] * 8, 4, None], ["BlockRemoved", [1]], ["AllBlocksCleared"]]
    assert read(*rows, more=()) == [Stored((1, 2), None, 4), Removed((1,)), Cleared()]
    longer = [["BlockStored", [1], 3, [5] * 4, 4, None, "GPU", None, [None], 0], ["BlockRemoved", [1], "GPU", 0]]
    assert read(*longer) == [Stored((1,), 3, 4), Removed((1,))]


def test_maps_as_sglang_0_5_23_writes_them() -> None:
    """Blocks are named by signed numbers."""
    page = {"type": "BlockStored", "block_hashes": [-5853552322808369536], "parent_block_hash": -2, "token_ids": [1032] * 16}
    assert read({**page, "block_size": 16, "lora_id": None, "medium": "GPU"}) == [Stored((-5853552322808369536,), -2, 16)]


def test_fields_and_kinds_of_later_versions_change_nothing() -> None:
    later = {"type": "BlockStored", "block_hashes": [1], "block_size": 4, "colour": {"of": ["blocks"]}}
    assert read(later, {"type": "BlockMoved"}, ["BlockMoved", 5], 3, [], {}) == [Stored((1,), None, 4)]


@pytest.mark.parametrize("kind", ["BlockStored", "BlockRemoved"])
def test_copies_beside_the_device_are_left_out(kind: str) -> None:
    for medium in ("CPU", "CPU_PINNED", "STORAGE"):
        assert read({"type": kind, "block_hashes": [1], "block_size": 4, "medium": medium}) == []


def test_layers_that_keep_a_window_only_are_left_out() -> None:
    stored = {"type": "BlockStored", "block_hashes": [1], "block_size": 4}
    assert read({**stored, "kv_cache_spec_kind": "sliding_window"}, {**stored, "kv_cache_spec_kind": "mamba"}) == []
    assert len(read({**stored, "kv_cache_spec_kind": "mla_attention"})) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"ts": 1}),
        msgspec.msgpack.encode([1.0, [["BlockStored", "no hashes"]]]),
        msgspec.msgpack.encode([1.0, [{"type": "BlockRemoved"}]]),
    ],
)
def test_what_is_no_batch_is_a_problem_of_the_engine(payload: bytes) -> None:
    with pytest.raises(EngineProblem, match="a batch of KV cache events cannot be read"):
        decode(payload)
