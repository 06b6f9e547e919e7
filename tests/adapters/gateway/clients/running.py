"""The real processes: an embedded engine, and the gateway as a user starts it, on real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.common.tokenizer import save_byte_tokenizer

MODEL = "simulated"
ANSWERS = "tests.adapters.gateway.clients.answers:scripted"
PATIENCE_S = 60.0
"""Either process is up in a second or two; on a machine under heavy load it may take many times that."""


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway in front of engines."""

    url: str
    engines: tuple[str, ...]

    @property
    def v1(self) -> str:
        """Where OpenAI's clients look."""
        return f"{self.url}/v1"

    @property
    def programs(self) -> dict[str, Any]:
        """What the gateway knows."""
        return dict(self.get("/programs"))

    def total_tokens(self, program: str) -> int:
        """Of a program whose turns are over. A client that has read a stream's last event may be here before its end is."""
        ends_at_s = time.monotonic() + 10
        while self.programs[program]["status"] == "reasoning" and time.monotonic() < ends_at_s:
            time.sleep(0.001)
        return int(self.programs[program]["total_tokens"])

    def get(self, path: str) -> Any:
        """A page of the gateway's."""
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.load(response)

    def post(self, path: str, body: Any, *, stream: bool = False) -> Any:
        """What the gateway answers: JSON, or the bytes of a stream."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read() if stream else json.load(response)


@contextmanager
def embedded_engine() -> Iterator[str]:
    """The URL of an embedded engine, thousands of times faster than real time, whose model is scripted."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        tokenizer = save_byte_tokenizer(Path(folder))
        options = ("--exit-with-parent", "--tokenizer", tokenizer, "--answers", ANSWERS, "--time-scale", "5000")
        with _process(Path(folder), "thunderagent.adapters.engines.simulated", *options, "--kv-capacity-tokens", "200000") as url:
            yield url


@contextmanager
def gateway_before(*engines: str, options: tuple[object, ...] = ()) -> Iterator[Running]:
    """``thunderagent serve``, once the engines are there."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        backends = ("serve", "--port", "0", "--backends", ",".join(engines), "--metrics-interval", "200ms")
        with _process(Path(folder), "thunderagent", *backends, *options) as url:
            running = Running(url, engines)
            until(lambda: _ready(running))
            yield running


@contextmanager
def _process(folder: Path, module: str, *options: object) -> Iterator[str]:
    port_file, log = folder / f"{module}.url", folder / f"{module}.log"
    command = [sys.executable, "-m", module, *map(str, options), "--port-file", str(port_file)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("THUNDERAGENT_")}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment)
    try:
        until(lambda: port_file.exists() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield port_file.read_text()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{module} did not end: {log.read_text()}") from None


def _ready(running: Running) -> bool:
    try:
        running.get("/ready")
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.02)
