"""The command as users start it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.support import Command
from thunderagent import __version__
from thunderagent.cli.app import app
from thunderagent.cli.commands import COMMANDS, GATEWAY, STUDY


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_tells_what_a_command_does_and_what_it_takes(command: list[str]) -> None:
    told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})

    assert told.exit_code == 0
    assert "Usage:" in told.output
    wanted = {
        "": "simulate",
        "serve": "gateway in front of your engines",
        "scheduler": "Where gateways reach this scheduler",
        "doctor": "Look at your engines",
        "tools": "Sandboxes: list all",
        "simulate": "Simulated agents",
        "replay": "Replays a recorded trace",
        "top": "Watch a running gateway",
        "grafana-dashboard": "Print a dashboard for Grafana",
        "report": "One page of a recorded run",
        "wandb-dashboard": "ENTITY/PROJECT",
    }
    assert wanted["".join(command)] in told.output


def test_without_a_command_its_help_is_shown(thunderagent: Command) -> None:
    told = thunderagent()

    assert (told.status, told.err) == (0, "")
    assert all(name in told.out for name in ("Usage:", *COMMANDS))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_tells_the_first_words_of_their_help(name: str) -> None:
    command = COMMANDS[name]
    described = getattr(import_module(command.module), command.function).__doc__

    assert " ".join(described.split()).startswith(command.summary)


def test_the_version_is_that_of_the_package(thunderagent: Command) -> None:
    assert thunderagent("--version").out == f"thunderagent {__version__}\n"


def test_help_imports_no_command() -> None:
    listed = run("-X", "importtime", "-m", "thunderagent", "--help")

    assert listed.returncode == 0
    assert not [name for name in ("matplotlib", "aiohttp", "thunderagent.core", "thunderagent.study") if name in listed.stderr]


def test_a_command_that_there_is_not_is_one_line(thunderagent: Command) -> None:
    assert thunderagent("serf").problem.startswith("No such command 'serf'.")


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


@pytest.mark.parametrize(
    ("command", "name", "extra"),
    [*(("simulate", name, "cli") for name in STUDY), *(("serve", name, "gateway") for name in GATEWAY)],
)
def test_a_library_that_is_missing_is_named_with_how_to_install_it(
    command: str, name: str, extra: str, thunderagent: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)

    assert (
        thunderagent(command).problem == f"thunderagent {command} needs {name}; install with: pip install 'thunderagent[{extra}]'"
    )


def test_all_that_is_missing_is_named_at_once_and_without_a_traceback() -> None:
    blocked = "import sys; sys.modules |= dict.fromkeys(['typer', 'aiohttp']); sys.argv = ['thunderagent', '--backends', 'x']"
    ran = run("-c", f"{blocked}; from thunderagent.cli import main; main()")

    assert ran.returncode == 2
    assert ran.stderr == "error: thunderagent serve needs typer, aiohttp; install with: pip install 'thunderagent[gateway]'\n"


def test_without_typer_not_even_help_can_be_shown() -> None:
    ran = run("-c", "import sys; sys.modules['typer'] = None; sys.argv = ['x']; from thunderagent.cli import main; main()")

    assert ran.returncode == 2
    assert ran.stderr == "error: the command line needs typer; install with: pip install 'thunderagent[cli]'\n"


def test_serving_needs_nothing_that_only_studies_need() -> None:
    only_studies = sorted(set(STUDY) - set(GATEWAY))
    block = "; ".join(f"sys.modules[{name!r}] = None" for name in only_studies)
    ran = run("-c", f"import sys; {block}; sys.argv = ['x', 'serve', '--help']; from thunderagent.cli import main; main()")

    assert only_studies == ["jinja2", "matplotlib"]
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_package_itself_needs_none_of_them() -> None:
    block = "; ".join(f"sys.modules[{name!r}] = None" for name in {*STUDY, *GATEWAY})
    ran = run("-c", f"import sys; {block}; import thunderagent.cli, thunderagent.study.sweep, thunderagent.simulation.driver")

    assert (ran.returncode, ran.stderr) == (0, "")
