"""``scripts/check_version``: a tag that disagrees with the package, the chart or the changelog is not released."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("scripts/check_version", "thunderagent/__init__.py", "deploy/helm/thunderagent/Chart.yaml", "CHANGELOG.md")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what it reads, as it is when 1.2.3 is released."""
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    change(tmp_path, "thunderagent/__init__.py", '__version__ = "0.1.0"', '__version__ = "1.2.3"')
    change(tmp_path, "deploy/helm/thunderagent/Chart.yaml", 'appVersion: "0.1.0"', 'appVersion: "1.2.3"')
    change(tmp_path, "CHANGELOG.md", "## Unreleased", "## 1.2.3 (2026-12-01)")
    return tmp_path


def change(checkout: Path, place: str, old: str, new: str) -> None:
    text = (checkout / place).read_text()
    assert old in text
    (checkout / place).write_text(text.replace(old, new))


def check(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "scripts/check_version"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_tag_that_all_places_agree_with_passes(checkout: Path) -> None:
    done = check(checkout, "v1.2.3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_place_that_disagrees_is_named(checkout: Path) -> None:
    done = check(checkout, "v1.2.4")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: the tag is of 1.2.4, thunderagent/__init__.py says 1.2.3",
        "error: the tag is of 1.2.4, deploy/helm/thunderagent/Chart.yaml says 1.2.3",
        "error: the tag is of 1.2.4, CHANGELOG.md says 1.2.3 (2026-12-01)",
    ]


@pytest.mark.parametrize("heading", ["Unreleased", "1.2.3"])
def test_the_newest_heading_must_be_of_the_version_and_have_a_date(checkout: Path, heading: str) -> None:
    change(checkout, "CHANGELOG.md", "## 1.2.3 (2026-12-01)", f"## {heading}")
    assert check(checkout, "v1.2.3").stderr == f"error: the tag is of 1.2.3, CHANGELOG.md says {heading}\n"


@pytest.mark.parametrize("arguments", [(), ("1.2.3",), ("v1.2.3", "v1.2.4")])
def test_what_is_no_tag_is_answered_with_how_it_is_called(checkout: Path, arguments: tuple[str, ...]) -> None:
    done = check(checkout, *arguments)
    assert (done.returncode, done.stderr) == (1, "usage: scripts/check_version vVERSION, the tag that is to be released\n")
