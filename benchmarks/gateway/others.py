"""How busy the machine was besides: the first thing to look at when figures are far from those of another run."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path


def _busy_s() -> float:
    """CPU time of everything on this machine, from its start."""
    user, nice, system, _idle, _wait, interrupts, soft = Path("/proc/stat").read_text(encoding="ascii").split()[1:8]
    return sum(map(int, (user, nice, system, interrupts, soft))) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    """CPU time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@dataclass(frozen=True, slots=True)
class Others:
    """From its making on."""

    began_s: float = field(default_factory=time.monotonic)
    busy_s: float = field(default_factory=_busy_s)
    own_s: float = field(default_factory=_own_s)

    def percent(self) -> float:
        """Of all CPUs, used by other processes; right once all of ours have ended."""
        theirs_s = (_busy_s() - self.busy_s) - (_own_s() - self.own_s)
        return 100 * max(0.0, theirs_s) / ((time.monotonic() - self.began_s) * (os.cpu_count() or 1))
