"""Who owns sandboxes: one host of sandboxes in one process. Its id tells others whether it still lives."""

from __future__ import annotations

import hashlib
import itertools
import os
import socket
from pathlib import Path

import psutil

_NUMBERS = itertools.count(1)


def new_owner_id() -> str:
    """``MACHINE.PID.STARTED.NUMBER``: unlike all others, those of this process among them."""
    pid = os.getpid()
    return f"{_machine()}.{pid}.{_started_ms(pid)}.{next(_NUMBERS)}"


def is_dead(owner_id: str) -> bool:
    """Whether the process of this owner has ended. False where that cannot be seen from here, or it is no id of ours."""
    parts = owner_id.split(".")
    if len(parts) != 4 or parts[0] != _machine() or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return False
    return _started_ms(int(parts[1])) != int(parts[2])


def _started_ms(pid: int) -> int | None:
    """Process ids are used again; with their start times they are unique. None: there is no such process."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except psutil.Error:
        return None


def _machine() -> str:
    """The same for all processes that can see each other: a container has process ids of its own, and a reboot ends all."""
    marks = [socket.gethostname()]
    for link in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(link)
        try:
            marks.append(str(path.readlink()) if path.is_symlink() else path.read_text())
        except OSError:
            marks.append("")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:8]
