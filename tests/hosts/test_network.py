"""Nothing is left behind, whatever becomes of the tests' process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.hosts.network import Network

CODE = """
from tests.hosts.network import Network
network = Network()
host = network.host()
host.slow_down(0.1, 1e6)
print(host.namespace.pid, host.start("sleep", "infinity").pid, flush=True)
host.start("sleep", "infinity").wait()
"""


def test_a_killed_run_leaves_no_host_and_no_process(network: Network) -> None:
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as run:
        assert run.stdout is not None
        watched = [os.pidfd_open(int(pid)) for pid in run.stdout.readline().split()]
        run.send_signal(signal.SIGKILL)
        for process in watched:
            ended, _, _ = select.select([process], [], [], 10.0)
            os.close(process)
            assert ended, "it outlives the run that had started it"
