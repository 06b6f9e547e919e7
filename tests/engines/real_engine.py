"""A real engine as a process that can be killed and started again, at the same address."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.adapters.gateway.reliability.process import CHECKOUT, free_port
from tests.engines.kinds import Call, Kind

STARTS_WITHIN_S = 240.0
"""vLLM takes 15 s, SGLang 25 s where the machine has nothing else to do."""
ANSWERS_WITHIN_S = 60.0
LOOKS_APART_S = 0.1


class RealEngine:
    """With a KV cache of 8,192 tokens: ten agents fill it."""

    def __init__(self, kind: Kind, *options: str) -> None:
        """``options``: more of the engine's own."""
        self.kind, self.options = kind, options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  (as long as the object)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        command = [
            CHECKOUT / "scripts" / self.kind.script,
            "serve",
            "--port",
            str(self.port),
            "--kv-tokens",
            "8192",
            "--",
            *self.options,
        ]
        # Its own group: its workers are ended with it.
        self._process = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHON": sys.executable},
            start_new_session=True,
        )
        process = self._process
        wait_for(lambda: self._answers() or process.poll() is not None, STARTS_WITHIN_S)
        assert process.poll() is None, self._said()

    def kill(self) -> None:
        """Without a warning, as a machine fails."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def get(self, path: str) -> Any:
        """A page that is JSON."""
        with urllib.request.urlopen(self.url + path, timeout=ANSWERS_WITHIN_S) as response:
            return json.load(response)

    def call(self, call: Call) -> None:
        """Act on it."""
        body = None if call.body is None else json.dumps(call.body).encode()
        request = urllib.request.Request(self.url + call.path, body, {"content-type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S):
            pass

    def metric(self, name: str) -> float:
        """Of its metrics page: the sum over all labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=ANSWERS_WITHIN_S) as response:
            families = text_string_to_metric_families(response.read().decode())
            return sum(sample.value for family in families for sample in family.samples if sample.name == name)

    @property
    def running(self) -> float:
        """Requests that run."""
        return self.metric(self.kind.counters.running)

    @property
    def preemptions(self) -> float:
        """Since its start."""
        return self.metric(self.kind.counters.preemptions)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{self.url}/health", timeout=5):
            return True
        return False

    def _said(self) -> str:
        self._log.seek(0)
        return "".join(self._log.readlines()[-30:])


def wait_for(condition: Callable[[], bool], within_s: float = ANSWERS_WITHIN_S) -> None:
    """It is another process: look until it is so."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(LOOKS_APART_S)


def missing(kind: Kind) -> str:
    """What is to be done before it can run; empty: nothing."""
    command = [CHECKOUT / "scripts" / kind.script, "check"]
    asked = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHON": sys.executable}, check=False)
    return asked.stderr if asked.returncode else ""
