"""One run from outside: prepare, start engine and SkyRL, watch, end, clean up. Nothing is left behind, however it ends."""

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
from recipes.skyrl_swe.config import RecipeConfig
from recipes.skyrl_swe.served import require_served
from recipes.skyrl_swe.skyrl_config import served_model, write_dataset
from recipes.skyrl_swe.summary import summarise
from recipes.skyrl_swe.usable_tools import with_usable_tools


def supervise(config: RecipeConfig, out_dir: Path) -> dict[str, Any]:
    """Run a rollout to its end and return its summary, which is also written to ``summary.json``.

    Raises:
        ConfigError: an engine is not there.
        KeyboardInterrupt: after everything has been ended and removed.
    """
    require_served(config.engine.urls, served_model(config))
    out_dir.mkdir(parents=True, exist_ok=True)
    work_dir = Path(tempfile.mkdtemp(prefix="ta-"))  # short: Ray puts sockets below it, whose paths may have 107 characters
    watch = ProcessTree()
    started_s = time.monotonic()
    try:
        config = with_usable_tools(config, work_dir)
        job_file = _prepare(config, out_dir, work_dir, watch)
        command = [sys.executable, "-m", "recipes.skyrl_swe.job", str(job_file)]
        environment = _environment(config, out_dir, work_dir)
        shown = Progress(
            out_dir, mode=config.mode, total=config.trajectories, starting="starting SkyRL and Ray", shown=config.progress
        )
        with shown as progress:
            status = run_job(command, environment, out_dir / "run.log", watch, progress.update)
    finally:
        watch.end()
        shutil.rmtree(work_dir, ignore_errors=True)
    return summarise(
        config,
        out_dir,
        wall_s=time.monotonic() - started_s,
        peak_rss_mb=watch.peak_rss_mb,
        cpu_s=watch.cpu_s,
        exit_status=status,
    )


def _prepare(config: RecipeConfig, out_dir: Path, work_dir: Path, watch: ProcessTree) -> Path:
    """Dataset, model and engine; returns the file that tells the job of them."""
    dataset = write_dataset(config, work_dir)
    model, urls = config.model or "", config.engine.urls
    if config.engine.kind == "simulated":
        tokenizer = save_tokenizer(work_dir / "model")
        engine, url = start_engine(
            config.engine,
            tokenizer=tokenizer,
            model_name=str(tokenizer),
            answers="recipes.skyrl_swe.replay:replay",
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


def _environment(config: RecipeConfig, out_dir: Path, work_dir: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "RAY_TMPDIR": str(work_dir),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_GLOBAL_CONFIG_DIR": str(work_dir / "mini-swe-agent"),
        "PYTHONUNBUFFERED": "1",
        **wandb_environment(config.tracking.wandb, out_dir),
    }
    if config.engine.kind == "simulated":
        environment["HF_HUB_OFFLINE"] = "1"
    return environment
