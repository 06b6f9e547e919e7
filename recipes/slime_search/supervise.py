"""One run from outside: prepare, start engine and slime, watch, end, clean up. Nothing is left behind, however it ends."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recipes.common.engine import start_engine
from recipes.common.hf_tokenizer import save_tokenizer
from recipes.common.processes import ProcessTree, run_job
from recipes.common.progress import Progress
from recipes.common.tracking import wandb_environment
from recipes.slime_search.config import RecipeConfig
from recipes.slime_search.dataset import write_dataset
from recipes.slime_search.summary import summarise


def supervise(config: RecipeConfig, out_dir: Path) -> dict[str, Any]:
    """Run a rollout to its end and return its summary, which is also written to ``summary.json``.

    Raises:
        ConfigError: the engine did not start.
        KeyboardInterrupt: after everything has been ended and removed.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    work_dir = Path(tempfile.mkdtemp(prefix="ta-search-"))
    watch = ProcessTree()
    started_s = time.monotonic()
    try:
        job_file = _prepare(config, out_dir, work_dir, watch)
        command = [sys.executable, "-m", "recipes.slime_search.job", str(job_file)]
        shown = Progress(out_dir, mode=config.mode, total=config.trajectories, starting="starting slime", shown=config.progress)
        with shown as progress:
            status = run_job(command, _environment(config, out_dir), out_dir / "run.log", watch, progress.update)
    finally:
        watch.end()
        shutil.rmtree(work_dir, ignore_errors=True)
    return summarise(config, out_dir, wall_s=time.monotonic() - started_s, watch=watch, exit_status=status)


def _prepare(config: RecipeConfig, out_dir: Path, work_dir: Path, watch: ProcessTree) -> Path:
    """Dataset, model and engine; returns the file that tells the job of them."""
    dataset, _ = write_dataset(work_dir, config.rollout.seed)
    model, urls = config.model or "", config.engine.urls
    if config.engine.kind == "simulated":
        tokenizer = save_tokenizer(work_dir / "model")
        engine, url = start_engine(
            config.engine,
            dialect="sglang",
            tokenizer=tokenizer,
            model_name=str(tokenizer),
            answers="recipes.slime_search.scripted:scripted",
            seed=config.rollout.seed,
            port_file=work_dir / "engine.url",
            log=out_dir / "engine.log",
        )
        watch.add(engine.pid)
        model, urls = str(tokenizer), [url]
    job = {"config": asdict(config), "out_dir": str(out_dir.resolve()), "dataset": str(dataset), "model": model, "urls": urls}
    job_file = work_dir / "job.json"
    job_file.write_text(json.dumps(job), encoding="utf-8")
    return job_file


def _environment(config: RecipeConfig, out_dir: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        **wandb_environment(config.tracking.wandb, out_dir),
    }
    if config.engine.kind == "simulated":
        environment["HF_HUB_OFFLINE"] = "1"
    return environment
