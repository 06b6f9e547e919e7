"""The scripts that write figures into the documentation."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {
    "shards_balance": {"value": 1.2, "unit": "x of the mean", "goal": "<= 1.25"},
    "report_s": {"value": 12_345.6, "unit": "s", "goal": None},
    "something_of_tomorrow": {"value": 2.0, "unit": "s", "goal": "<= 1"},
}


ENVIRONMENT = {
    "date": "2026-11-26T06:13:08+00:00",
    "cpus": 2,
    "cpu": "AMD EPYC",
    "python": "CPython 3.11.7",
    "commit": "58f8a30e994e",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the scripts touch, as a copy."""
    for folder in ("scripts", "docs"):
        (tmp_path / folder).mkdir()
    for name in ("marked.py", "readme_scale", "readme_observe", "readme_serving", "readme_figures", "readme_agents"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    for name in (
        "README.md",
        *(f"docs/{page}.md" for page in ("index", "getting_started", "scale", "observability", "serving", "skyrl_swe")),
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "figures.json").write_text(json.dumps({"figures": FIGURES, "environment": ENVIRONMENT}))
    return tmp_path


def run(checkout: Path, script: str) -> None:
    subprocess.run([sys.executable, checkout / "scripts" / script, checkout / "figures.json"], check=True)


def test_figures_of_scale_come_with_readable_names_into_their_page(checkout: Path) -> None:
    run(checkout, "readme_scale")
    page = (checkout / "docs" / "scale.md").read_text()
    assert "| programs of the fullest shard | 1.2 | x of the mean | <= 1.25 | met |" in page
    assert "| something of tomorrow | 2 | s | <= 1 | **missed** |" in page, "a name that nobody knows is shown as words"
    assert "\n\n`python -m benchmarks.scale` on 2026-11-26: 2 cores (AMD EPYC), CPython 3.11.7.\n<!-- scale: end -->" in page
    assert "| report s | 12,346 | s |  |  |" in page
    run(checkout, "readme_scale")
    assert (checkout / "docs" / "scale.md").read_text() == page, "writing again changes nothing"


def test_figures_of_seeing_it_come_into_their_page(checkout: Path) -> None:
    run(checkout, "readme_observe")
    assert "| report of 1,000,000 steps: time | 12,346 | s |  |  |" in (checkout / "docs" / "observability.md").read_text()


def test_every_arm_before_a_real_engine_comes_into_its_page_and_only_goals_into_the_readme(checkout: Path) -> None:
    measures = ("steps", "KV hit rate", "re-prefilled", "turn, median", "turn, p95", "turn, worst")
    figures = {f"tr: {measure}": {"value": 5.0, "unit": "", "goal": None} for measure in measures}
    figures["thunder over tr"] = {"value": 1.2, "unit": "x", "goal": ">= 1.08"}
    (checkout / "figures.json").write_text(json.dumps({"figures": figures, "environment": ENVIRONMENT}))
    run(checkout, "readme_serving")
    page, readme = (checkout / "docs" / "serving.md").read_text(), (checkout / "README.md").read_text()
    for text in (page, readme):
        assert "| thunder over tr | 1.2 | x | >= 1.08 | met |" in text
    assert "| tr | 5 | 5.00 | 5 | 5.0 | 5.0 | 5.0 |" in page
    assert "| tr | 5 |" not in readme


def test_a_comparison_comes_whole_into_its_page_and_what_decides_into_the_readme(checkout: Path) -> None:
    keys = (
        "steps_per_min",
        "kv_hit_rate",
        "reprefilled_tokens",
        "rollout_s",
        "trajectories",
        "mean_reward",
        "wall_s",
        "peak_rss_mb",
    )
    one = {**dict.fromkeys(keys, 4), **dict.fromkeys(("scheduler_cpu_share", "scheduler_cpu_share_of_run"), 0.01)}
    one |= dict.fromkeys(("errors", "lost", "duplicated"), 0)
    comparison = {"runs": [one, {**one, "steps_per_min": 6}], "same_rewards": True, "compared_trajectories": 7}
    (checkout / "comparison.json").write_text(json.dumps(comparison))
    (checkout / "comparison.png").touch()
    subprocess.run([sys.executable, checkout / "scripts" / "readme_figures", checkout], check=True)
    page, readme = (checkout / "docs" / "skyrl_swe.md").read_text(), (checkout / "README.md").read_text()
    for text in (page, readme):
        assert "| agent steps per minute | 4 | 6 | 1.50x |" in text
        assert "all 7 trajectories have the same rewards" in text
    assert "| peak memory of all processes, MiB | 4 | 4 |  |" in page
    assert "peak memory" not in readme


def test_what_the_first_command_prints_comes_into_the_readme_and_getting_started(checkout: Path) -> None:
    (checkout / "figures.json").write_text("             http://one  http://two\nsteps                 128         128\n")
    run(checkout, "readme_agents")
    for page in ("README.md", "docs/getting_started.md"):
        assert (
            "```text\n             http://one  http://two\nsteps                 128         128\n```\n"
            in (checkout / page).read_text()
        )
