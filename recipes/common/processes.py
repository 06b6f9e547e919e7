"""The processes of a run: watched while they work, and none of them left behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.5
GRACE_S = 20.0
"""Time for a framework to end its turns, profiles and Ray after an interrupt, before everything is killed."""


def run_job(
    command: Sequence[str], environment: Mapping[str, str], log: Path, watch: ProcessTree, show: Callable[[], None]
) -> int:
    """Run a process to its end and return its status; what it prints goes to ``log``, and ``show`` is called all the while."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
            env=dict(environment),
        )
    watch.add(process.pid)
    while process.poll() is None:
        time.sleep(LOOK_EVERY_S)
        watch.look()
        show()
    show()
    return process.returncode


class ProcessTree:
    """The run's processes and all their descendants: their peak memory, and their end."""

    def __init__(self) -> None:
        self._roots: list[psutil.Process] = []
        self._known: dict[int, psutil.Process] = {}
        self.peak_rss_mb = 0.0
        """Largest sum of resident sets, in MiB; memory that processes share is counted for each."""
        self._cpu_s: dict[int, float] = {}

    @property
    def cpu_s(self) -> float:
        """CPU time of all processes as of the last look at each, in seconds; what lived between two looks is not seen."""
        return sum(self._cpu_s.values())

    def add(self, pid: int) -> None:
        """Watch a child of this process."""
        self._roots.append(psutil.Process(pid))

    def look(self) -> None:
        """Note who is there and how much memory they hold."""
        total = 0
        for process in [*self._roots, *self._descendants()]:
            try:
                total += process.memory_info().rss
                times = process.cpu_times()
                self._cpu_s[process.pid] = times.user + times.system
                self._known[process.pid] = process
            except psutil.Error:
                continue
        self.peak_rss_mb = max(self.peak_rss_mb, total / 2**20)

    def end(self) -> None:
        """Interrupt the roots, give them ``GRACE_S``, then kill whatever of the tree is left."""
        for process in self._descendants():
            self._known.setdefault(process.pid, process)
        for root in self._roots:
            _signal(root, signal.SIGINT)
        psutil.wait_procs(self._roots, timeout=GRACE_S)
        left = [process for process in [*self._roots, *self._known.values()] if process.is_running()]
        for process in left:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(left, timeout=GRACE_S)

    def _descendants(self) -> list[psutil.Process]:
        found = []
        for root in self._roots:
            try:
                found += root.children(recursive=True)
            except psutil.Error:
                continue
        return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
