"""The embedded engine as a process of the run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from recipes.skyrl_swe.config import RecipeConfig
from thunderagent.errors import ConfigError

START_TIMEOUT_S = 60.0
"""The server is up in about a second; on a machine under heavy load it may take many times that."""


def start_engine(config: RecipeConfig, tokenizer: Path, work_dir: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the simulated engine with the replay policy; return the process and its URL.

    Raises:
        ConfigError: it did not start; the log says why.
    """
    engine = config.engine
    port_file = work_dir / "engine.url"
    command = [sys.executable, "-m", "thunderagent.adapters.engines.simulated", "--exit-with-parent"]
    options = {
        "--port-file": port_file,
        "--answers": "recipes.skyrl_swe.replay:replay",
        "--seed": config.rollout.seed,
        "--tokenizer": tokenizer,
        "--served-model-name": tokenizer,
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
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            process.kill()
            raise ConfigError("engine", "simulated", f"the embedded engine did not start; see {log}")
        time.sleep(0.05)
    return process, port_file.read_text(encoding="utf-8")
