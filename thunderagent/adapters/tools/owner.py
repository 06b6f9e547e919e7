"""Who owns sandboxes: one host of sandboxes in one process. Its id tells others whether it still lives."""

from __future__ import annotations

import hashlib
import itertools
import os
import socket
import sys
from pathlib import Path

import psutil

_NUMBERS = itertools.count(1)


def new_owner_id() -> str:
    """``MACHINE.PID.STARTED.NUMBER``: unlike all others, those of this process among them."""
    pid = os.getpid()
    return f"{_machine()}.{pid}.{_started(pid)}.{next(_NUMBERS)}"


def is_dead(owner_id: str) -> bool:
    """Whether the process of this owner has ended. False where that cannot be seen from here, or it is no id of ours."""
    parts = owner_id.split(".")
    if len(parts) != 4 or parts[0] != _machine() or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return False
    return _started(int(parts[1])) != int(parts[2])


def _started(pid: int) -> int | None:
    """Process ids are used again; with their start times they are unique. None: there is no such process.

    On Linux in ticks since the machine was started: a time of day would change with the clock that it is told by.
    """
    try:
        if sys.platform == "linux":
            state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return None if state == "Z" else int(fields[18])
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except (OSError, psutil.Error):
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
