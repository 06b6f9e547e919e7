"""``thunderagent wandb-dashboard``: what it writes without a network, what it sends, and what it says where it can do neither."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("wandb_workspaces")

import wandb

from tests.adapters.tracking.wandb_server import Server
from tests.cli.support import Command
from thunderagent.cli import wandb_dashboard as command

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pydantic's, of wandb-workspaces
SECTIONS = ["Throughput", "KV cache", "Waiting", "Tools", "Programs", "Training"]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nobody has logged in."""
    for name in [name for name in os.environ if name.startswith("WANDB")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wandb.teardown()
    yield
    wandb.teardown()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    yield server
    wandb.teardown()
    server.close()


def test_without_a_network_it_is_written_to_a_file(thunderagent: Command, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.json"
    ran = thunderagent("wandb-dashboard", "team/agents", "--json", file)
    assert (ran.status, ran.out) == (0, f"{file}: to make it, run the command without --json where W&B can be reached\n")
    spec = json.loads(file.read_text())["spec"]
    assert [section["name"] for section in spec["section"]["panelBankConfig"]["sections"]] == SECTIONS


def test_a_report_is_written_in_the_same_way(thunderagent: Command, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert thunderagent("wandb-dashboard", "team/agents", "--report", "--json", file).status == 0
    blocks = json.loads(file.read_text())["spec"]["blocks"]
    headings = [block["children"][0]["text"] for block in blocks if block["type"] == "heading"]
    assert headings == [*SECTIONS, "Findings"]


def test_a_view_is_saved_and_its_address_is_told(thunderagent: Command, server: Server) -> None:
    ran = thunderagent("wandb-dashboard", "team/agents")
    assert ran.status == 0, ran
    (taken,) = server.views
    assert (taken["entityName"], taken["projectName"], taken["displayName"]) == ("team", "agents", "thunderagent")
    assert "team/agents" in ran.out


def test_a_report_is_saved_and_its_address_is_told(thunderagent: Command, server: Server) -> None:
    ran = thunderagent("wandb-dashboard", "team/agents", "--report")
    assert ran.status == 0, ran
    assert [taken["type"] for taken in server.views] == ["runs"]
    assert "team/agents/reports/" in ran.out


def test_without_a_key_it_says_what_can_be_done(thunderagent: Command) -> None:
    told = thunderagent("wandb-dashboard", "team/agents").problem
    assert told == "W&B has no key here: run `wandb login`, or give --json FILE to write the dashboard there"


def test_a_server_that_is_slow_is_not_waited_for_long(
    thunderagent: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(Server, "answer", lambda *asked: go_on.wait(10) and {})
    monkeypatch.setattr(command, "ANSWER_S", 0.2)
    told = thunderagent("wandb-dashboard", "team/agents").problem
    go_on.set()
    assert told.startswith("W&B has not answered within 0.2 s; try again, or give --json FILE")


def test_a_key_that_is_wrong_is_told_in_one_line(thunderagent: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(status=401)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    told = thunderagent("wandb-dashboard", "team/agents").problem
    server.close()
    assert told.startswith("W&B did not take the dashboard: ")
    assert told.endswith("; give --json FILE to write the dashboard there")


@pytest.mark.parametrize("project", ["agents", "team/", "a/b/c", "team/my agents", "team/what?"])
def test_a_project_that_cannot_be_is_refused(thunderagent: Command, project: str) -> None:
    assert thunderagent("wandb-dashboard", project).problem.startswith(
        f"ENTITY/PROJECT={project}: name both, such as my-team/agents"
    )


def test_a_file_that_cannot_be_written_is_told(thunderagent: Command, tmp_path: Path) -> None:
    told = thunderagent("wandb-dashboard", "team/agents", "--json", tmp_path / "none" / "x.json").problem
    assert told == f"--json={tmp_path}/none/x.json: cannot be written: No such file or directory"
