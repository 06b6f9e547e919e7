"""What the mixin adds to an experiment's tracker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")

from thunderagent.adapters.skyrl.mixin import ThunderMixin  # noqa: E402
from thunderagent.adapters.tracking.axes import SECTIONS, WALL_TIME  # noqa: E402
from thunderagent.errors import ConfigError  # noqa: E402


class Logger:
    """Stands for the ``wandb`` module."""

    def __init__(self) -> None:
        self.axes: list[tuple[str, str | None]] = []
        self.run: Any = SimpleNamespace(summary={})

    def define_metric(self, name: str, step_metric: str | None = None, hidden: bool | None = None) -> None:
        self.axes.append((name, step_metric))


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

    def get_inference_client(self) -> Any:
        return object()


class Host:
    """Whose window has one step of training, once."""

    def __init__(self) -> None:
        self.window = {"train": {"turns": 2}}

    def snapshot(self) -> dict[str, float]:
        return {"steps": 3}

    def sample(self) -> dict[str, float]:
        return {WALL_TIME: 7.0, "thunder/waiting/turns": 4}

    def take_window(self) -> dict[str, dict[str, float]]:
        window, self.window = self.window, {}
        return window


class Experiment(ThunderMixin, Base):
    def __init__(self, logger: Any, wandb: str | None = None) -> None:
        super().__init__(logger)
        self.host: Any = Host()
        self.cfg: Any = SimpleNamespace(thunder=SimpleNamespace(wandb=wandb))


def test_scheduler_metrics_join_the_last_log_call_of_a_step_and_the_summary() -> None:
    logger = Logger()
    tracker = Experiment(logger).get_tracker()
    tracker.log({"loss": 1.0}, step=1)
    tracker.log({"timing": 2.0}, step=1, commit=True)
    tracker.log({"timing": 2.5}, step=2, commit=True)
    tracker.finish()
    first, last, next_step = tracker.rows
    assert first == {"loss": 1.0}
    assert last == {"timing": 2.0, WALL_TIME: 7.0, "thunder/waiting/turns": 4, "thunder/train/turns": 2}
    assert next_step == {"timing": 2.5, WALL_TIME: 7.0, "thunder/waiting/turns": 4}
    assert logger.run.summary == {"thunder/total/steps": 3}


def test_a_scheduler_with_a_run_of_its_own_adds_what_is_of_the_step_alone() -> None:
    tracker = Experiment(Logger(), wandb="agents").get_tracker()
    tracker.log({"loss": 1.0}, step=1, commit=True)
    assert tracker.rows == [{"loss": 1.0, "thunder/train/turns": 2}]


def test_in_wandb_scheduling_is_drawn_over_wall_time_and_a_steps_own_metrics_over_the_step() -> None:
    logger = Logger()
    tracker = Experiment(logger).get_tracker()
    for step in (1, 2):
        tracker.log({}, step=step, commit=True)
    assert logger.axes == [(WALL_TIME, None), *((f"thunder/{section}/*", WALL_TIME) for section in SECTIONS)]


def test_a_tracker_without_axes_is_left_as_it_is() -> None:
    tracker = Experiment(SimpleNamespace()).get_tracker()
    tracker.log({}, step=1, commit=True)
    tracker.finish()
    assert tracker.rows[0]["thunder/waiting/turns"] == 4


def test_before_there_is_a_scheduler_there_are_no_metrics() -> None:
    experiment = Experiment(Logger())
    experiment.host = None
    tracker = experiment.get_tracker()
    tracker.log({"loss": 1.0}, step=1, commit=True)
    tracker.finish()
    assert tracker.rows == [{"loss": 1.0}]


def test_a_client_that_is_not_skyrls_own_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^get_inference_client\(\)=object: must be SkyRL's RemoteInferenceClient$"):
        Experiment(Logger()).get_inference_client()
