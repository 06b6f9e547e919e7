"""What is measured: a proxy that runs, and what its processes have used so far."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CPUCLOCK_SCHED = 2
"""Linux: with this in its lowest bits, the clock of a process is its CPU time in nanoseconds; /proc/PID/stat has 10 ms steps."""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who answers chat requests."""

    name: str
    host: str
    port: int
    pid: int | None = None
    """Of the proxy's first process; None: nobody asks what it uses (the engine itself)."""
    id_in_body: bool = False
    """The program's id goes into the body, thunderagent's own field, instead of a header."""

    @classmethod
    def of(cls, name: str, url: str, pid: int | None = None) -> Target:
        """Somebody at a URL.

        Raises:
            ValueError: it is not one of plain HTTP with a port.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise ValueError(f"{url!r} must be http://HOST:PORT")
        return cls(name, parts.hostname, parts.port, pid)

    @classmethod
    def parse(cls, text: str) -> Target:
        """NAME=URL:PID.

        Raises:
            ValueError: it is something else, or nothing runs under this process id; the message says what is wrong.
        """
        name, equals, rest = text.partition("=")
        url, colon, pid = rest.rpartition(":")
        if not (name and equals and colon and pid.isdigit() and "://" in url):
            raise ValueError(f"{text!r} must be NAME=URL:PID, for example envoy=http://127.0.0.1:9000:4711")
        target = cls.of(name, url, int(pid))
        if not Path(f"/proc/{pid}").exists():
            raise ValueError(f"{text!r}: there is no process {pid}")
        return target

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://{self.host}:{self.port}"


def cpu_s(pid: int) -> float:
    """CPU time of a process and of all its descendants that live, all threads, also ended ones.

    A descendant that ends in between takes its time with it: proxies keep their workers.
    """
    return sum(time.clock_gettime((~each << 3) | CPUCLOCK_SCHED) for each in family(pid))


def resident_bytes(pid: int) -> int:
    """Memory of a process and of all its descendants; what they share is counted once for each."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1]) for each in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, children.read_text(encoding="ascii").split())
    return found
