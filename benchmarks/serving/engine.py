"""A real vLLM, started for one measurement."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.served_engine import ROOT, served
from benchmarks.serving.setups import Setup
from thunderagent.adapters.engines.vllm import Vllm

MODEL = "bench"
"""What requests call it."""


@contextlib.contextmanager
def engine(setup: Setup, on: str) -> Iterator[str]:
    """Its URL; ``on`` is ``cpu`` (``scripts/real-vllm``) or ``gpu`` (the command ``vllm`` that is installed).

    Raises:
        SystemExit: it cannot be started; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="thunderagent-serving-") as folder:
        model = Path(folder) / "model"
        command = _on_cpu(setup, model) if on == "cpu" else _on_gpu(setup, model)
        with served(lambda port: [*command, "--port", str(port)]) as url:
            yield url


def drop_cache(url: str) -> None:
    """Nothing of the run before is to be found. vLLM needs VLLM_SERVER_DEV_MODE=1 for it."""
    with urllib.request.urlopen(urllib.request.Request(url + Vllm().drop_cache().path, method="POST"), timeout=60):
        pass


def _on_cpu(setup: Setup, model: Path) -> list[str]:
    script = str(ROOT / "scripts" / "real-vllm")
    made = subprocess.run([script, "model", str(model), *setup.model], check=False)
    if made.returncode:
        raise SystemExit(made.returncode)
    sizes = ["--kv-tokens", str(setup.kv_tokens), "--max-seqs", str(setup.max_seqs), "--max-model-len", str(setup.max_model_len)]
    return [script, "serve", "--model", str(model), "--served-model-name", MODEL, *sizes]


def _on_gpu(setup: Setup, model: Path) -> list[str]:
    vllm = shutil.which("vllm")
    if vllm is None:
        raise SystemExit("error: there is no command vllm: pip install vllm, on a machine with a GPU")
    maker = str(ROOT / "scripts" / "engines" / "tiny_model.py")
    subprocess.run([sys.executable, maker, str(model), *setup.model], check=True)
    return [
        *("env", "VLLM_SERVER_DEV_MODE=1", "HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1"),
        *(vllm, "serve", str(model), "--served-model-name", MODEL, "--host", "127.0.0.1"),
        *("--load-format", "dummy", "--dtype", "bfloat16", "--enable-prompt-tokens-details"),
        *("--block-size", str(setup.block_tokens), "--num-gpu-blocks-override", str(setup.kv_tokens // setup.block_tokens + 1)),
        *("--max-num-seqs", str(setup.max_seqs), "--max-model-len", str(setup.max_model_len)),
    ]
