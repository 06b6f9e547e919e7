"""A SkyRL that is missing, too old or too new is told of in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AS_COMMAND = """
import runpy, sys
sys.modules.update(dict.fromkeys(("msgspec", "uvicorn", "starlette", "httptools")))  # as if they were not installed
runpy.run_module("thunderagent.adapters.skyrl", run_name="__main__")
"""
"""``python -m thunderagent.adapters.skyrl`` with the extra ``skyrl`` alone."""
MAIN = "from thunderagent.adapters import skyrl; skyrl.main()"


def run_with(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Our entry point with another ``skyrl`` in the place of the installed one."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); {MAIN}"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_skyrl_is_missing(tmp_path: Path) -> None:
    (tmp_path / "skyrl.py").write_text("raise ModuleNotFoundError(\"No module named 'skyrl'\")")
    line = one_line(run_with(tmp_path))
    assert line.startswith("error: skyrl=")
    assert "must be 0.3.0, or SkyRL's main branch of August 2026: pip install 'thunderagent[skyrl]'" in line
    assert line.endswith("(No module named 'skyrl')")


def test_its_layout_is_another(tmp_path: Path) -> None:
    (tmp_path / "skyrl").mkdir()
    (tmp_path / "skyrl" / "__init__.py").write_text("")
    assert one_line(run_with(tmp_path)).endswith("(No module named 'skyrl.train')")


def test_something_that_is_overridden_is_not_there(tmp_path: Path) -> None:
    package = tmp_path / "skyrl"
    for part in ("train", "train/entrypoints"):
        (package / part).mkdir(parents=True, exist_ok=True)
    for part in ("", "train", "train/entrypoints"):
        (package / part / "__init__.py").write_text("")
    hooks = "get_inference_client = get_generator = get_trainer = run = None"
    (package / "train" / "entrypoints" / "main_base.py").write_text(f"class BasePPOExp:\n    {hooks}\n")
    assert one_line(run_with(tmp_path)).endswith("(its BasePPOExp has no get_tracker)")


def test_a_wrong_setting_on_its_command_line_is_told_of_in_one_line_too_and_no_gateway_is_needed_for_that() -> None:
    pytest.importorskip("skyrl")
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, "-c", AS_COMMAND, "thunder.capacity_tokens=-1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: thunder.capacity_tokens=-1: must be a positive number, or null"
