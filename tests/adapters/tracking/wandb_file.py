"""What W&B has written for ``wandb sync``: its records, read back from the ``.wandb`` file (LevelDB's log format)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wandb
from wandb.proto.wandb_internal_pb2 import Record

MAGIC = b":W&B"
FILE_HEADER_BYTES, RECORD_HEADER_BYTES, BLOCK_BYTES = 7, 7, 32_768
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def files(folder: Path) -> list[Path]:
    """Of all runs below it."""
    return sorted(folder.glob("wandb/*run-*/run-*.wandb"))


def records(file: Path) -> list[Any]:
    """All of them, in order. W&B's service is ended, which writes what it still has in memory."""
    wandb.teardown()
    data = file.read_bytes()
    assert data.startswith(MAGIC)
    read = []
    for payload in _payloads(data):
        record = Record()
        record.ParseFromString(payload)
        read.append(record)
    return read


def history(file: Path) -> list[dict[str, Any]]:
    """The rows that were logged, without W&B's own keys."""
    rows = []
    for record in records(file):
        if record.WhichOneof("record_type") == "history":
            row: dict[str, Any] = {}
            for item in record.history.item:
                key, *within = item.nested_key or [item.key]
                value = json.loads(item.value_json)
                if within:
                    row.setdefault(key, {})[within[0]] = value
                elif not key.startswith("_"):
                    row[key] = value
            rows.append(row)
    return rows


def _payloads(data: bytes) -> Iterator[bytes]:
    at, parts = FILE_HEADER_BYTES, b""
    while at + RECORD_HEADER_BYTES <= len(data):
        left = BLOCK_BYTES - at % BLOCK_BYTES
        if left < RECORD_HEADER_BYTES:  # the rest of a block is padding
            at += left
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        at += RECORD_HEADER_BYTES
        part, at = data[at : at + size], at + size
        parts = part if kind in (FULL, FIRST) else parts + part
        if kind in (FULL, LAST):
            yield parts
