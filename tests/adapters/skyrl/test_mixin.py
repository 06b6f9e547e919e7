"""What the mixin adds to an experiment's tracker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")

from thunderagent.adapters.skyrl.mixin import WALL_TIME, SchedulingMixin  # noqa: E402


class Logger:
    """Stands for the ``wandb`` module."""

    def __init__(self) -> None:
        self.axes: dict[str, str | None] = {}
        self.run: Any = SimpleNamespace(summary={})

    def define_metric(self, name: str, step_metric: str | None = None, hidden: bool | None = None) -> None:
        self.axes[name] = step_metric


class Tracker:
    def __init__(self, logger: Any) -> None:
        self.logger = logger
        self.rows: list[dict[str, Any]] = []

    def log(self, data: dict[str, Any], step: int, commit: bool = False) -> None:
        self.rows.append(data)

    def finish(self) -> None:
        pass


class Base:
    def __init__(self, logger: Any) -> None:
        self.tracker = Tracker(logger)

    def get_tracker(self) -> Tracker:
        return self.tracker


class Experiment(SchedulingMixin, Base):
    _host = SimpleNamespace(runtime=SimpleNamespace(snapshot=lambda: {"steps": 3}))


def test_scheduler_metrics_join_the_last_log_call_of_a_step_and_the_summary() -> None:
    logger = Logger()
    tracker = Experiment(logger).get_tracker()
    tracker.log({"loss": 1.0}, step=1)
    tracker.log({"timing": 2.0}, step=1, commit=True)
    tracker.finish()
    first, last = tracker.rows
    assert first == {"loss": 1.0}
    assert last["thunder/steps"] == 3
    assert last[WALL_TIME] >= 0
    assert logger.run.summary == {"thunder/steps": 3}


def test_in_wandb_scheduler_metrics_are_drawn_over_wall_time() -> None:
    logger = Logger()
    Experiment(logger).get_tracker()
    assert logger.axes == {WALL_TIME: None, "thunder/*": WALL_TIME}


def test_a_tracker_without_axes_is_left_as_it_is() -> None:
    tracker = Experiment(SimpleNamespace()).get_tracker()
    tracker.log({}, step=1, commit=True)
    assert tracker.rows[0]["thunder/steps"] == 3
