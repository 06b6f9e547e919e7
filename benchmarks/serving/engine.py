"""A real vLLM, started for one measurement."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gateway.processes import ROOT, free_port
from benchmarks.serving.setups import Setup

STARTS_WITHIN_S = 600.0
"""Seconds on a CPU, a minute or more where kernels are compiled first."""
MODEL = "bench"
"""What requests call it."""


@contextlib.contextmanager
def engine(setup: Setup, on: str) -> Iterator[str]:
    """Its URL; ``on`` is ``cpu`` (``scripts/real-vllm``) or ``gpu`` (the command ``vllm`` that is installed).

    Raises:
        SystemExit: it cannot be started; the message says why.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="thunderagent-serving-") as folder, (Path(folder) / "log").open("w+") as log:
        model = Path(folder) / "model"
        command = _on_cpu(setup, model, port) if on == "cpu" else _on_gpu(setup, model, port)
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}"
            if not _comes_up(url, process):
                log.seek(0)
                raise SystemExit("".join(log.readlines()[-15:]) or "error: vLLM did not start")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def drop_cache(url: str) -> None:
    """Nothing of the run before is to be found. vLLM needs VLLM_SERVER_DEV_MODE=1 for it."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/reset_prefix_cache", method="POST"), timeout=60):
        pass


def _on_cpu(setup: Setup, model: Path, port: int) -> list[str]:
    script = str(ROOT / "scripts" / "real-vllm")
    made = subprocess.run([script, "model", str(model), *setup.model], check=False)
    if made.returncode:
        raise SystemExit(made.returncode)
    sizes = ["--kv-tokens", str(setup.kv_tokens), "--max-seqs", str(setup.max_seqs), "--max-model-len", str(setup.max_model_len)]
    return [script, "serve", "--port", str(port), "--model", str(model), "--served-model-name", MODEL, *sizes]


def _on_gpu(setup: Setup, model: Path, port: int) -> list[str]:
    vllm = shutil.which("vllm")
    if vllm is None:
        raise SystemExit("error: there is no command vllm: pip install vllm, on a machine with a GPU")
    maker = str(ROOT / "scripts" / "engines" / "tiny_model.py")
    subprocess.run([sys.executable, maker, str(model), *setup.model], check=True)
    return [
        *("env", "VLLM_SERVER_DEV_MODE=1", "HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1"),
        *(vllm, "serve", str(model), "--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port)),
        *("--load-format", "dummy", "--dtype", "bfloat16", "--enable-prompt-tokens-details"),
        *("--block-size", str(setup.block_tokens), "--num-gpu-blocks-override", str(setup.kv_tokens // setup.block_tokens + 1)),
        *("--max-num-seqs", str(setup.max_seqs), "--max-model-len", str(setup.max_model_len)),
    ]


def _comes_up(url: str, process: subprocess.Popen[bytes]) -> bool:
    given_up_s = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < given_up_s:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
        time.sleep(0.5)
    return False
