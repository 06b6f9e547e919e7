"""One run from outside: prepare, start engine and SkyRL, watch, end, clean up. Nothing is left behind, however it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from recipes.common.engine import start_engine
from recipes.skyrl_swe.config import RecipeConfig
from recipes.skyrl_swe.progress import Progress
from recipes.skyrl_swe.served import require_served
from recipes.skyrl_swe.skyrl_config import served_model, write_dataset
from recipes.skyrl_swe.summary import summarise
from recipes.skyrl_swe.tokenizer import save_tokenizer

LOOK_EVERY_S = 0.5
GRACE_S = 20.0
"""Time for SkyRL to end its turns, profiles and Ray after an interrupt, before everything is killed."""


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
        job_file = _prepare(config, out_dir, work_dir, watch)
        log = (out_dir / "run.log").open("ab")
        command = [sys.executable, "-m", "recipes.skyrl_swe.job", str(job_file)]
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
            env=_environment(config, out_dir, work_dir),
        )
        watch.add(process.pid)
        with Progress(config, out_dir) as progress:
            while process.poll() is None:
                time.sleep(LOOK_EVERY_S)
                watch.look()
                progress.update()
            progress.update()
        status = process.returncode
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
        "WANDB_DIR": str(out_dir.resolve()),
        "WANDB_SILENT": "true",
        "PYTHONUNBUFFERED": "1",
    }
    if config.engine.kind == "simulated":
        environment["HF_HUB_OFFLINE"] = "1"
    wandb_mode = _wandb_mode(config.tracking.wandb)
    if wandb_mode is not None:
        environment["WANDB_MODE"] = wandb_mode
    if wandb_mode == "offline":
        environment.setdefault("WANDB_API_KEY", "0" * 40)  # SkyRL asks for one even offline
    return environment


def _wandb_mode(chosen: str) -> str | None:
    if chosen in ("offline", "online"):
        return chosen
    if chosen == "off":
        return "disabled"
    if "WANDB_MODE" in os.environ:
        return None
    logged_in = "WANDB_API_KEY" in os.environ or "api.wandb.ai" in _text(Path.home() / ".netrc")
    return None if logged_in else "offline"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


class ProcessTree:
    """The run's processes and all their descendants: their peak memory, and their end."""

    def __init__(self) -> None:
        self._roots: list[psutil.Process] = []
        self._known: dict[int, psutil.Process] = {}
        self.peak_rss_mb = 0.0
        """Largest sum of resident sets, in MiB; memory that processes share is counted for each."""
        self._cpu_s: dict[int, float] = {}

    @property
    def cpu_s(self) -> float:
        """CPU time of all processes as of the last look at each, in seconds; what lived between two looks is not seen."""
        return sum(self._cpu_s.values())

    def add(self, pid: int) -> None:
        """Watch a child of this process."""
        self._roots.append(psutil.Process(pid))

    def look(self) -> None:
        """Note who is there and how much memory they hold."""
        total = 0
        for process in [*self._roots, *self._descendants()]:
            try:
                total += process.memory_info().rss
                times = process.cpu_times()
                self._cpu_s[process.pid] = times.user + times.system
                self._known[process.pid] = process
            except psutil.Error:
                continue
        self.peak_rss_mb = max(self.peak_rss_mb, total / 2**20)

    def end(self) -> None:
        """Interrupt the roots, give them ``GRACE_S``, then kill whatever of the tree is left."""
        for process in self._descendants():
            self._known.setdefault(process.pid, process)
        for root in self._roots:
            _signal(root, signal.SIGINT)
        psutil.wait_procs(self._roots, timeout=GRACE_S)
        left = [process for process in [*self._roots, *self._known.values()] if process.is_running()]
        for process in left:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(left, timeout=GRACE_S)

    def _descendants(self) -> list[psutil.Process]:
        found = []
        for root in self._roots:
            try:
                found += root.children(recursive=True)
            except psutil.Error:
                continue
        return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
