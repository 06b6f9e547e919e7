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
    for name in ("marked.py", "readme_scale", "readme_observe"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    for name in ("README.md", "docs/scale.md", "docs/observability.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "figures.json").write_text(json.dumps({"figures": FIGURES, "environment": ENVIRONMENT}))
    return tmp_path


def run(checkout: Path, script: str) -> None:
    subprocess.run([sys.executable, checkout / "scripts" / script, checkout / "figures.json"], check=True)


def test_figures_of_scale_come_with_readable_names_into_the_page_and_those_with_goals_into_the_readme(checkout: Path) -> None:
    run(checkout, "readme_scale")
    page, readme = (checkout / "docs" / "scale.md").read_text(), (checkout / "README.md").read_text()
    for text in (page, readme):
        assert "| programs of the fullest shard | 1.2 | x of the mean | <= 1.25 | met |" in text
        assert "| something of tomorrow | 2 | s | <= 1 | **missed** |" in text, "a name that nobody knows is shown as words"
        assert "\n\n`python -m benchmarks.scale` on 2026-11-26: 2 cores (AMD EPYC), CPython 3.11.7.\n<!-- scale: end -->" in text
    assert "| report s | 12,346 | s |  |  |" in page
    assert "| report s |" not in readme
    run(checkout, "readme_scale")
    assert (checkout / "docs" / "scale.md").read_text() == page, "writing again changes nothing"


def test_figures_of_seeing_it_come_into_their_page(checkout: Path) -> None:
    run(checkout, "readme_observe")
    assert "| report of 1,000,000 steps: time | 12,346 | s |  |  |" in (checkout / "docs" / "observability.md").read_text()
