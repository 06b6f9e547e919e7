"""Starts what is measured and what stands behind it, and ends it again."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gateway.connection import LoadError
from benchmarks.gateway.target import Target

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
PEERS = ("nginx", "sglang-router", "vllm-router")
"""Those that scripts/peers knows."""
GATEWAY = "thunderagent"


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """A fake engine, and its URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.engine", "--port", str(port)]
    with _running("the fake engine", command) as (process, log):
        _wait_for(f"http://127.0.0.1:{port}/health", "the fake engine", process, log)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def gateway(engine_url: str, *more: str) -> Iterator[Target]:
    """Our gateway in front of it, ready; ``more`` are further options of `thunderagent serve`."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--backends", engine_url, "--backend-type", "vllm"]
    command = [sys.executable, "-m", "thunderagent", "serve", *options, "--router", "thunder", *more]
    with _running("thunderagent serve", command) as (process, log):
        for path in ("/health", "/ready"):
            _wait_for(f"http://127.0.0.1:{port}{path}", "thunderagent serve", process, log)
        yield Target.of(GATEWAY, f"http://127.0.0.1:{port}", process.pid)


@contextlib.contextmanager
def peers(engine_url: str, wanted: Sequence[str]) -> Iterator[list[Target]]:
    """Those that are installed, in front of the engine; the others are named on stderr."""
    if not wanted:
        yield []
        return
    command = [str(ROOT / "scripts" / "peers"), "start", engine_url, "--only", *wanted]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        # An empty line comes after the last one.
        lines = list(iter(lambda: process.stdout.readline().strip(), ""))  # type: ignore[union-attr]
        if process.poll():
            raise SystemExit(process.returncode)
        yield [Target.parse(line.removeprefix("--peer ")) for line in lines]
    finally:
        end(process)


def get_json(url: str) -> Any:
    """What is answered there."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def set_pace(engine_url: str, pace_ms: float) -> None:
    """Of the fake engine's streams, from their next chunk on."""
    with urllib.request.urlopen(f"{engine_url}/pace?ms={pace_ms}", data=b"", timeout=10):
        pass


def free_port() -> int:
    """Of 127.0.0.1, free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(name: str, command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process, and the file with what it says."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        try:
            yield process, log
            if process.poll() is not None:
                raise LoadError(f"{name} ended by itself: {_tail(log)}")
        finally:
            end(process)


def _wait_for(url: str, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
    given_up_s = time.monotonic() + STARTS_WITHIN_S
    last: Exception | None = None
    while time.monotonic() < given_up_s and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.URLError) as error:
            last = error
        time.sleep(0.05)
    raise LoadError(f"{name} does not answer {url} ({last}): {_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]) or "it said nothing"


def end(process: subprocess.Popen[Any], within_s: float = 10.0) -> None:
    """Politely, then not."""
    if process.stdout is not None:
        process.stdout.close()
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
