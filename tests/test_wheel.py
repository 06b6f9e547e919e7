"""What is in the wheel is enough: a command line that composes, tasks that load, a report's template, the marker of types."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")
pytest.importorskip("hydra")
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, unpacked as an installation would have it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in another directory, with the wheel's content in front of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)


def test_the_recipe_composes_its_configuration_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "-m", "recipes.skyrl_swe", "--cfg", "job", "+thunder=on", "engine=vllm", "capacity=fixed")
    assert done.returncode == 0, done.stderr
    assert "kind: vllm" in done.stdout
    assert "enabled: true" in done.stdout


def test_the_gateways_recipe_composes_its_configuration_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    done = run(installed, tmp_path, "-m", "recipes.serve", "--cfg", "job", "+thunder=on", "gateway.port=8400")
    assert done.returncode == 0, done.stderr
    assert "port: 8400" in done.stdout


def test_tasks_and_configs_are_read_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "from recipes.common.config import CONFIG_DIR; from recipes.skyrl_swe.tasks import TASKS_DIR, load_tasks; "
        "print(CONFIG_DIR); print(TASKS_DIR); print(sum(len(task.scripts) for task in load_tasks().values()))"
    )
    configs, tasks, scripts = run(installed, tmp_path, "-c", code).stdout.split()
    assert Path(configs) == installed / "thunderagent" / "configs"
    assert Path(tasks) == installed / "recipes" / "skyrl_swe" / "tasks"
    assert int(scripts) >= 3 * 24


def test_a_report_is_made_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from thunderagent.study.document import Study; from thunderagent.study import report; "
        "print(report.__file__); report.write_report(Study('A title', {}, []), Path('out'))"
    )
    done = run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed)
    assert "<h1>A title</h1>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_wheel_brings_every_file_of_the_tasks_and_no_cache_of_python(installed: Path) -> None:
    def files(root: Path) -> set[str]:
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    tracked = subprocess.run(["git", "ls-files", "recipes"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    found = {f"recipes/{name}" for name in files(installed / "recipes")}
    assert set(tracked) <= found
    assert not [name for name in found if name.endswith(".pyc")]
    assert (installed / "thunderagent" / "py.typed").is_file()
