"""The benchmark of W&B's cost, with small sizes."""

from __future__ import annotations

from benchmarks.wandb import measure


def test_steps_and_samples_are_measured() -> None:
    figures = measure(steps=500, engines=2)
    assert figures.keys() == {"wandb_per_step", "wandb_per_sample_2_engines"}
    assert all(figure.value > 0 and figure.goal is not None for figure in figures.values())
