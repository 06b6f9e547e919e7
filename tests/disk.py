"""A store that writes when it may, and fails when it must."""

from __future__ import annotations

import threading

from thunderagent.adapters.store import MemoryStore
from thunderagent.errors import StoreError
from thunderagent.runtime.store import Changes


class Disk(MemoryStore):
    """``may_write`` holds the writer's thread up; ``failing`` is what is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.may_write = threading.Event()
        self.may_write.set()
        self.failing = ""
        self.writes: list[Changes] = []
        self.closed = False

    def write(self, changes: Changes) -> None:
        assert self.may_write.wait(10)
        if self.failing:
            raise StoreError(self.failing)
        self.writes.append(changes)
        super().write(changes)

    def close(self) -> None:
        self.closed = True
