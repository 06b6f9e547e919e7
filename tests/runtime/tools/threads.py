"""A host of sandboxes in a thread of its own, as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from thunderagent.core import DefaultPolicy
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import SandboxBackend, ToolHost, ToolThread


@contextmanager
def living(backend: SandboxBackend, *, ahead: bool = True, runtime: Runtime | None = None) -> Iterator[ToolThread]:
    """Told of the programs of ``runtime``."""
    thread = ToolThread(ToolHost(backend, "test", ahead=ahead), runtime or Runtime(DefaultPolicy()))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
