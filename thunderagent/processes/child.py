"""A process of a supervisor: reads its job from stdin, tells on stdout that it is ready, and ends when stdin does.

Stdin ends when the supervisor does, however that ends: nothing of it is left behind.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.errors import ThunderAgentError
from thunderagent.processes.job import Job
from thunderagent.processes.pipe import LENGTH_BYTES, Failed, Ready, framed

ORPHAN_S = 5.0
"""For an orphan to put things away: sandboxes, the last profiles."""


def main() -> None:
    """Until it is told to end, or is alone."""
    tells = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints does so to stderr
    job: Job = pickle.loads(_read(int.from_bytes(_read(LENGTH_BYTES), "big")))
    threading.Thread(target=_end_with_supervisor, name="thunderagent-supervisor", daemon=True).start()

    def ready(url: str, engines: Sequence[EngineStatus]) -> None:
        tells.write(framed(Ready(url, tuple(engines))))

    try:
        job.run(ready)
    except ThunderAgentError as error:
        tells.write(framed(Failed(error)))
        sys.exit(2)


def _read(size: int) -> bytes:
    """Unbuffered: a thread waits there when the interpreter ends."""
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit("the supervisor has gone")
        data += piece
    return data


def _end_with_supervisor() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_S)
    os._exit(1)


if __name__ == "__main__":
    main()
