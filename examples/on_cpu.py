"""What the two custom RL examples need where there are no GPUs: the embedded engine, a folder, the framework as a process."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.steps import PATTERN
from recipes.common.config import EngineConfig
from recipes.common.engine import start_engine
from recipes.common.hf_tokenizer import save_tokenizer
from recipes.common.processes import ProcessTree, run_job

ENGINE = EngineConfig(kv_capacity_tokens=60_000, time_scale=15.0)
"""All agents of an example read some three times as much as fits."""
SWITCHES = {"+thunder=on": "thunder", "+thunder=off": "default"}
"""As with the recipes; the values are the scheduler's modes. ``default`` measures and holds nothing back."""
OUTPUTS = Path("outputs")


@dataclass(frozen=True)
class Machine:
    """What the framework finds."""

    folder: Path
    """For its files; it goes with the run."""
    out_dir: Path
    """For what is to stay."""
    model: Path
    """A tokenizer; also what the engine calls its model."""
    engine_url: str


def mode_of(description: str | None) -> str:
    """The scheduler's mode, from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "thunder", nargs="?", choices=SWITCHES, default="+thunder=on", help="scheduled (default), or only measured"
    )
    return SWITCHES[parser.parse_args().thunder]


def run(name: str, command: Callable[[Machine], list[str]], *, dialect: str, environment: Mapping[str, str] | None = None) -> int:
    """Start an engine and run the framework before it. Nothing is left behind, however it ends.

    Args:
        name: of the example; what stays is below ``outputs/``.
        command: what is run, for this machine. Its lines of ``steps.say`` are shown, all that it says is in ``run.log``.
        dialect: the engine's: ``vllm`` or ``sglang``.
        environment: for the framework.

    Returns:
        the framework's exit status.
    """
    out_dir = OUTPUTS.resolve() / name
    shutil.rmtree(out_dir, ignore_errors=True)
    out_dir.mkdir(parents=True)
    folder = Path(tempfile.mkdtemp(prefix="ta-"))  # short: Ray puts sockets below it, whose paths may have 107 characters
    watch = ProcessTree()
    try:
        model = save_tokenizer(folder / "model")
        engine, url = start_engine(
            ENGINE,
            dialect=dialect,
            tokenizer=model,
            model_name=str(model),
            answers="examples.book:reader",
            port_file=folder / "engine.url",
            log=out_dir / "engine.log",
        )
        watch.add(engine.pid)
        log = out_dir / "run.log"
        surroundings = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
        lines = StepLines(log)
        status = run_job(
            command(Machine(folder, out_dir, model, url)),
            {**surroundings, **(environment or {}), "RAY_TMPDIR": str(folder)},
            log,
            watch,
            lines.show,
        )
    except KeyboardInterrupt:
        status = 130
    finally:
        watch.end()
        shutil.rmtree(folder, ignore_errors=True)
    if status not in (0, 130):
        print(f"error: it ended with status {status}; see {log}", file=sys.stderr)
    return status


class StepLines:
    """Shows what a log says of steps, as it grows."""

    def __init__(self, log: Path) -> None:
        self._log, self._shown = log, 0

    def show(self) -> None:
        """What is new."""
        lines = [found[0] for found in PATTERN.finditer(self._log.read_text(encoding="utf-8", errors="replace"))]
        for line in lines[self._shown :]:
            print(line, flush=True)
        self._shown = len(lines)
