"""The first commands of the README and of Getting Started, as a user types them: embedded engine, gateway, agents."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("hydra")
pytest.importorskip("thunderagent.serving")

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 60.0
"""It is up in two seconds; on a machine under heavy load it may take many times that."""


def free_ports(count: int) -> list[int]:
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [int(bound.getsockname()[1]) for bound in sockets]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def environment() -> dict[str, str]:
    """Without keys of this machine."""
    return {name: value for name, value in os.environ.items() if name not in ("THUNDERAGENT_API_KEY", "THUNDERAGENT_ADMIN_KEY")}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The process, and the addresses of gateway and engine. With ``+thunder=on`` Getting Started runs it."""
    port, engine_port = free_ports(2)
    ports = [f"gateway.port={port}", f"engine.port={engine_port}", "engine.time_scale=200"]
    command = [sys.executable, "-m", "recipes.serve", "+thunder=off", f"hydra.run.dir={tmp_path}", *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    url = f"http://127.0.0.1:{port}"
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not answers(url):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s, "the gateway did not come up in time"
        time.sleep(0.05)
    yield process, url, f"http://127.0.0.1:{engine_port}"
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_agents_run_before_the_gateway_and_a_signal_ends_everything(
    gateway: tuple[subprocess.Popen[str], str, str], tmp_path: Path
) -> None:
    process, url, engine = gateway
    few = ["--agents", "3", "--turns", "3", "--think", "0.01", "--url", engine, "--url", url]
    done = subprocess.run(
        [sys.executable, "-m", "recipes.serve.agents", *few],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )

    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["steps"] == ["steps", "9", "9"]
    assert rows["failed"] == ["failed", "0", "0"]
    assert "no gateway" in done.stdout
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    assert not answers(url)
    assert not answers(engine)
    assert (tmp_path / "profile.jsonl").read_text().count("\n") == 9


def test_the_first_command_shows_the_gain() -> None:
    first = [sys.executable, "-m", "recipes.serve.agents", "--embedded"]
    done = subprocess.run(first, capture_output=True, text=True, timeout=240, check=False, env=environment(), cwd=ROOT)

    assert done.returncode == 0, done.stderr
    urls = done.stdout.split()[:2]
    rows = {line[:30].strip(): line[30:].split() for line in done.stdout.splitlines()}
    assert rows["steps"] == ["128", "128"]
    assert rows["failed"] == ["0", "0"]
    alone, scheduled = map(float, rows["KV hit rate"])
    assert scheduled > alone + 0.3, "this does not depend on how busy the machine is; steps per minute do"
    assert not any(answers(url) for url in urls), "nothing is left behind"
