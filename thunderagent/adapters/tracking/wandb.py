"""A run of W&B, written by a thread of its own: whatever becomes of W&B, nobody waits for it and nothing else ends."""

from __future__ import annotations

import atexit
import contextlib
import logging
import queue
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thunderagent.adapters.tracking.axes import define_axes
from thunderagent.adapters.tracking.tables import COLUMNS, Rows
from thunderagent.adapters.tracking.wandb_login import mode_of_environment

logger = logging.getLogger(__name__)

QUEUED_SAMPLES = 600
"""At the default of 10 s, more than an hour and a half of W&B not answering; some megabytes."""
INIT_TIMEOUT_S = 30.0
"""W&B's own 90 s are for scripts that cannot go on without it."""
FINISH_TIMEOUT_S = 10.0
"""For the last uploads; what is left is on disk, for ``wandb sync``."""
CLOSE_TIMEOUT_S = INIT_TIMEOUT_S + FINISH_TIMEOUT_S + 5.0
"""The thread may be opening the run still. After that the process ends without it."""
MIN_FREE_BYTES = 64 << 20
"""W&B's writer does not say that a disk is full; profiles need the rest more."""


@dataclass(frozen=True)
class RunPlace:
    """Where a run is to be found."""

    project: str
    """``PROJECT`` or ``ENTITY/PROJECT``."""
    directory: Path | None = None
    """Gets ``wandb/``; None: as W&B's variables say, else the current directory."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Shown with the run, and to filter runs by."""


@dataclass(frozen=True)
class _Sample:
    numbers: Mapping[str, float]
    tables: Mapping[str, Rows]


class WandbRun:
    """Beside the run of a training framework in the same process, or alone. All methods from any thread."""

    def __init__(self, place: RunPlace, *, queued_samples: int = QUEUED_SAMPLES, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        """Nothing is opened before the first sample: the run of the training that it belongs to is there by then."""
        self._place, self._min_free_bytes = place, min_free_bytes
        self._queue: queue.Queue[_Sample | None] = queue.Queue(queued_samples)
        self._thread = threading.Thread(target=self._work, name="thunderagent-wandb", daemon=True)
        self._lock = threading.Lock()
        self._closed = False
        self._warned: set[str] = set()
        self._alone = True

    def put(self, numbers: Mapping[str, float], tables: Mapping[str, Rows] | None = None) -> None:
        """One sample, and what is to be shown as tables with it. Never waits; what W&B cannot take is dropped."""
        with self._lock:
            if self._closed:
                return
            if self._thread.ident is None:
                self._thread.start()
            try:
                self._queue.put_nowait(_Sample(numbers, tables or {}))
            except queue.Full:
                self._warn("full", "W&B has not taken a sample for long; later ones are dropped until it does")

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Write what is queued and end the run. May be called again."""
        with self._lock:
            self._closed = True
        atexit.unregister(self.close)
        until_s = time.monotonic() + timeout_s
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=timeout_s)
            self._thread.join(max(0.0, until_s - time.monotonic()))
            if self._thread.is_alive():
                self._warn("stuck", "W&B does not end its run; `wandb sync` uploads what it has written")

    # In the thread

    def _work(self) -> None:
        run = None
        try:
            run = self._open()
            while (sample := self._queue.get()) is not None:
                self._log(run, sample)
            run.finish()
        except Exception as error:
            where = "" if run is None else f"; `wandb sync {_folder(run)}` uploads what was written until now"
            self._warn("lost", f"W&B is not told any more: {_in_words(error)}{where}")
            with self._lock:
                self._closed = True
            if self._alone:
                _forget_service()

    def _open(self) -> Any:
        import wandb

        training = wandb.run  # of a framework in this process
        self._alone = training is None
        mode = mode_of_environment() if training is None else _mode_of(training)
        try:
            run = self._init(mode, training)
        except Exception as error:
            if mode is not None:  # nothing of it needed a network
                raise
            run = self._init("offline", training)
            self._warn("offline", f"W&B cannot be reached, the run is recorded here: {_in_words(error)}; {_sync(run)}")
        else:
            if run.offline and not run.disabled:
                logger.info("W&B is offline; %s", _sync(run))
            elif not run.disabled:
                logger.info("W&B: %s", run.url)
        define_axes(run)
        atexit.register(self.close)  # after W&B has registered its own end, so before that comes
        return run

    def _init(self, mode: Any, training: Any) -> Any:
        import wandb

        entity, _, project = self._place.project.rpartition("/")
        belongs = {} if training is None else {"group": training.group or training.id, "name": f"{training.name} scheduling"}
        config = {**self._place.config, **({} if training is None else {"training_run": training.id})}
        return wandb.init(
            entity=entity or None,
            project=project,
            dir=None if self._place.directory is None else str(self._place.directory),
            job_type="scheduling",
            config=config,
            mode=mode,
            reinit="create_new",  # beside the run of the training
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                x_disable_stats=True,
                init_timeout=INIT_TIMEOUT_S,
                finish_timeout=FINISH_TIMEOUT_S,
            ),
            **belongs,
        )

    def _log(self, run: Any, sample: _Sample) -> None:
        import wandb

        if not run.disabled and (free_bytes := shutil.disk_usage(run.dir).free) < self._min_free_bytes:
            self._warn("disk", f"W&B is told nothing while {run.dir} has only {free_bytes >> 20} MiB free")
            return
        tables = {
            name: wandb.Table(columns=list(COLUMNS), data=[list(row) for row in rows]) for name, rows in sample.tables.items()
        }
        run.log({**sample.numbers, **tables})

    def _warn(self, what: str, text: str) -> None:
        """Once for each kind of trouble."""
        if what not in self._warned:
            self._warned.add(what)
            logger.warning("%s", text)


def _mode_of(training: Any) -> str | None:
    """The same as that of the run which it belongs to; None: online."""
    return "disabled" if training.disabled else "offline" if training.offline else None


def _folder(run: Any) -> Path:
    return Path(run.dir).parent


def _sync(run: Any) -> str:
    return f"`wandb sync {_folder(run)}` uploads it later"


def _in_words(error: Exception) -> str:
    """In one line: W&B's messages have several, the first of which says it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _forget_service() -> None:
    """Its process may be dead: W&B would say so again, in a traceback, when ours ends."""
    import wandb

    with contextlib.suppress(Exception):
        wandb.teardown()
