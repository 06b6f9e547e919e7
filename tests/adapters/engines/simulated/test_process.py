from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from .support import byte_tokenizer

MODULE = "thunderagent.adapters.engines.simulated"


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "timed out"
        time.sleep(0.02)


def command(directory: Path, *arguments: str) -> list[str]:
    byte_tokenizer().save(str(directory / "tokenizer.json"))
    files = ["--tokenizer", str(directory), "--port-file", str(directory / "url")]
    return [sys.executable, "-m", MODULE, *files, *arguments]


def is_alive(pid: int) -> bool:
    """Zombies count as dead: nobody may be there to reap them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_exits_cleanly_at_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(command(tmp_path, "--served-model-name", "ours")) as process:
        try:
            url_file = tmp_path / "url"
            wait_for(url_file.exists)
            with urllib.request.urlopen(f"{url_file.read_text()}/v1/models", timeout=5) as response:
                assert b'"id":"ours"' in response.read()
            process.send_signal(number)
            assert process.wait(timeout=5) == 0
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_exits_when_its_parent_dies(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--exit-with-parent")
    script = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            wait_for((tmp_path / "url").exists)
            assert is_alive(child)
            parent.kill()
            wait_for(lambda: not is_alive(child))
        finally:
            if is_alive(child):
                os.kill(child, signal.SIGKILL)


def test_a_wrong_option_says_what_is_allowed(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path, "--kv-capacity-tokens", "3"), capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 2
    assert "kv_capacity_tokens is 3, it must be at least one block" in done.stderr
