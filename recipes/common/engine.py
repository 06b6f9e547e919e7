"""The embedded engine as a process of a recipe."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from recipes.common.config import EngineConfig
from thunderagent.errors import ConfigError

START_TIMEOUT_S = 60.0
"""The server is up in about a second; on a machine under heavy load it may take many times that."""
END_TIMEOUT_S = 5.0
"""It ends within a second."""


def start_engine(
    engine: EngineConfig,
    *,
    tokenizer: Path,
    model_name: str,
    answers: str,
    port_file: Path,
    log: Path,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 0,
    dialect: str = "vllm",
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a simulated engine; return the process and its URL.

    Args:
        tokenizer: directory with its tokenizer.
        model_name: what clients call its model.
        answers: the policy that answers for a model, as MODULE:FACTORY.
        port_file: gets the URL; must not exist yet.
        log: gets what it prints.
        seed: of the policy.
        host: address of this machine to listen on.
        port: 0 takes a free one.
        dialect: whose pages and controls it has: ``vllm`` or ``sglang``.

    Raises:
        ConfigError: it did not start; the log says why.
    """
    command = [sys.executable, "-m", "thunderagent.adapters.engines.simulated", "--exit-with-parent"]
    options = {
        "--host": host,
        "--port": port,
        "--port-file": port_file,
        "--dialect": dialect,
        "--answers": answers,
        "--seed": seed,
        "--tokenizer": tokenizer,
        "--served-model-name": model_name,
        "--time-scale": engine.time_scale,
        "--kv-capacity-tokens": engine.kv_capacity_tokens,
        "--prefill-tokens-per-s": engine.prefill_tokens_per_s,
        "--decode-step-s": engine.decode_step_s,
        "--decode-s-per-kv-token": engine.decode_s_per_kv_token,
    }
    for option, value in options.items():
        command += [option, str(value)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_up(process, port_file, log)
    except BaseException:  # Ctrl-C too: nothing is left behind
        process.kill()
        process.wait()
        raise
    return process, port_file.read_text(encoding="utf-8")


def _wait_until_up(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise ConfigError("engine", "simulated", f"the embedded engine did not start: {_last_line(log)} (see {log})")
        time.sleep(0.05)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def end_engine(process: subprocess.Popen[bytes]) -> None:
    """End it, by force if it does not."""
    process.terminate()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
