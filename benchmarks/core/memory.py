"""Memory per tracked program: growth of the resident set of a fresh process that holds a scheduler and nothing else.

The recorded events come from a file, a few at a time, and are forgotten at once: what grows is the scheduler with its programs,
their ids, its indexes with their slack, and what the allocator loses between them.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from benchmarks.core.replay import Recording
from thunderagent.core import Scheduler, ThunderPolicy

CHUNK = 256
"""Events in memory at a time."""


def bytes_per_program(recording: Recording) -> float:
    """Of a ``thunder`` scheduler that has taken in a whole recording."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        with path.open("wb") as file:
            for start in range(0, len(recording.events), CHUNK):
                pickle.dump(recording.events[start : start + CHUNK], file)
        command = [sys.executable, "-m", "benchmarks.core.memory", str(path)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _measure(path: Path) -> float:
    with path.open("rb") as file:
        _feed(Scheduler(ThunderPolicy()), file, chunks=4)  # imports, and the arenas that the events themselves need
        file.seek(0)
        gc.collect()
        scheduler, before = Scheduler(ThunderPolicy()), _resident_bytes()
        _feed(scheduler, file)
    gc.collect()
    return (_resident_bytes() - before) / len(scheduler.programs)


def _feed(scheduler: Scheduler, file: BinaryIO, chunks: int | None = None) -> None:
    while chunks is None or chunks > 0:
        try:
            events = pickle.load(file)
        except EOFError:
            return
        for event, now in events:
            scheduler.handle(event, now)
        chunks = None if chunks is None else chunks - 1


def _resident_bytes() -> int:
    """Linux only: other systems tell the peak alone."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(_measure(Path(sys.argv[1])))
