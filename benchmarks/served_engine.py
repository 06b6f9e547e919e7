"""A real engine as a process of a measurement: started, waited for, ended."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.gateway.processes import end, free_port

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_S = 600.0
"""Seconds on a CPU, a minute or more where kernels are compiled first."""
ENDS_WITHIN_S = 30.0


@contextlib.contextmanager
def served(command: Callable[[int], Sequence[str]], folder: Path = ROOT) -> Iterator[str]:
    """Its URL, until the block ends; ``command`` is told the port and runs in ``folder``.

    Raises:
        SystemExit: it did not start; the message is the end of what it said.
    """
    port = free_port()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command(port), cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            if not _comes_up(url, process):
                log.seek(0)
                raise SystemExit("".join(log.readlines()[-15:]) or "error: vLLM did not start")
            yield url
        finally:
            end(process, ENDS_WITHIN_S)


def _comes_up(url: str, process: subprocess.Popen[bytes]) -> bool:
    given_up_s = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < given_up_s:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
        time.sleep(0.5)
    return False
