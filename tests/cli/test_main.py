"""The command as users start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.support import Command
from thunderagent.cli import NEEDED
from thunderagent.cli.app import app


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", [[], ["simulate"], ["replay"], ["report"]], ids=str)
def test_help_tells_what_a_command_does_and_what_it_takes(command: list[str]) -> None:
    told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})

    assert told.exit_code == 0
    assert "Usage:" in told.output
    wanted = {"": "simulate", "simulate": "Simulated agents", "replay": "Replays a recorded trace", "report": "study.json"}
    assert wanted["".join(command)] in told.output


def test_without_a_command_its_help_is_shown() -> None:
    assert "Usage:" in CliRunner().invoke(app, []).output


def test_an_option_that_there_is_not_ends_with_status_2() -> None:
    told = CliRunner().invoke(app, ["simulate", "--speed", "2"])

    assert told.exit_code == 2
    assert "--speed" in told.output


def test_a_module_can_be_run_as_the_command(tmp_path: Path) -> None:
    wanted = ["simulate", "-w", "search", "-p", "default", "--hours", "0.01", "--workers", "1", "--no-report", "-o", tmp_path]
    ran = run("-m", "thunderagent", *wanted)

    assert ran.returncode == 0, ran.stderr
    assert "engine alone" in ran.stdout
    assert (tmp_path / "study.json").exists()


def test_a_mistake_is_one_line_and_exit_status_2() -> None:
    ran = run("-m", "thunderagent", "simulate", "--policy", "best")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: --policy=best: must be one of default, least-loaded, ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("name", NEEDED)
def test_a_library_that_is_missing_is_named_with_how_to_install_it(
    name: str, thunderagent: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)

    assert thunderagent("simulate").problem == f"the command line needs {name}; install it with: pip install 'thunderagent[cli]'"


def test_without_typer_the_command_says_what_to_install_and_has_no_traceback() -> None:
    ran = run("-c", "import sys; sys.modules['typer'] = None; from thunderagent.cli import main; main()")

    assert ran.returncode == 2
    assert ran.stderr == "error: the command line needs typer; install it with: pip install 'thunderagent[cli]'\n"


def test_the_package_itself_needs_none_of_them() -> None:
    block = "; ".join(f"sys.modules[{name!r}] = None" for name in NEEDED)
    ran = run("-c", f"import sys; {block}; import thunderagent.cli, thunderagent.study.sweep, thunderagent.simulation.driver")

    assert (ran.returncode, ran.stderr) == (0, "")
