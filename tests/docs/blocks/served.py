"""The gateway before which blocks run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.common.engine import end_engine, start_engine
from recipes.common.tokenizer import save_byte_tokenizer
from recipes.serve.config import EngineConfig
from tests.docs.blocks import scratch
from thunderagent.adapters.tools.bubblewrap import why_not

MODEL = "simulated"
ANSWERS = "thunderagent.adapters.engines.simulated.answers:echo"
"""As in ``recipes.serve``."""
START_TIMEOUT_S = 60.0
"""It is up in two seconds; on a machine under heavy load it may take many times that."""


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """What stands for ports 8300 and 8301, until the block is left."""
    engine, url = start_engine(
        EngineConfig(time_scale=200.0),
        tokenizer=save_byte_tokenizer(folder),
        model_name=MODEL,
        answers=ANSWERS,
        port_file=folder / "engine",
        log=folder / "engine.log",
    )
    try:
        tools = [] if why_not() else ["--tools", "tests.docs.blocks.sandboxes:AnyImage"]
        command = [
            "-c",
            "from thunderagent.cli import main; main()",
            "serve",
            "--backends",
            url,
            "--port",
            "0",
            "--port-file",
            "gateway",
        ]
        with (folder / "gateway.log").open("w") as log:
            gateway = subprocess.Popen(
                [sys.executable, *command, *tools], stdout=log, stderr=log, cwd=folder, env=scratch.environment(folder)
            )
        try:
            deadline_s = time.monotonic() + START_TIMEOUT_S
            while not (folder / "gateway").exists():
                assert gateway.poll() is None, (folder / "gateway.log").read_text()
                assert time.monotonic() < deadline_s, "the gateway did not come up in time"
                time.sleep(0.05)
            yield {"8300": (folder / "gateway").read_text().rpartition(":")[2], "8301": url.rpartition(":")[2]}
        finally:
            gateway.terminate()
            gateway.wait(30)
    finally:
        end_engine(engine)
