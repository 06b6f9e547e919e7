"""What outlives a scheduler: programs and what was learned, in memory or in an SQLite file."""

from __future__ import annotations

from pathlib import Path

from thunderagent.adapters.store.memory import MemoryStore
from thunderagent.adapters.store.sqlite import SqliteStore
from thunderagent.runtime.store import Store

__all__ = ["MemoryStore", "SqliteStore", "open_store"]


def open_store(path: str) -> Store:
    """The store in this file, which is made if it is not there. It is this process's until it is closed.

    Raises:
        StoreError: it cannot be used; says why, and what to do.
    """
    return SqliteStore(Path(path))
