"""What the page on migrating says of this project is so: options, endpoints, fields, columns."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.support import Command
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.manage.app import ENDPOINTS
from thunderagent.adapters.gateway.manage.backends import BackendView
from thunderagent.adapters.gateway.manage.programs import ProgramView
from thunderagent.cli.serve import serve
from thunderagent.runtime import StepProfile

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
THEIRS = "thunderagent --backend-type vllm --backends http://localhost:8000 --port 9000 --router tr --metrics --profile"
NOBODYS_ADDRESS = "192.0.2.1"
"""Of documentation (RFC 5737): to listen there is the last thing that is tried, and fails."""


def _rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
    assert len(rows) > 1, f"no table under {heading}"
    return rows[1:]


def test_a_command_line_of_theirs_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert THEIRS in PAGE
    rest = f"--host {NOBODYS_ADDRESS} --log-level info --profile-dir profiles --metrics-interval 5.0 --scheduler-interval 5.0"
    options = f"{rest} --acting-token-weight 1.0 --use-acting-token-decay"
    ran = Command(monkeypatch, capsys)(*shlex.split(THEIRS)[1:], *shlex.split(options))
    assert f"error: --port=9000: cannot be listened on at {NOBODYS_ADDRESS}" in ran.err
    used = set(re.findall(r"--[\w-]+", f"{THEIRS} {options}"))
    assert used == {re.findall(r"--[\w-]+", row[0])[0] for row in _rows("The command")}, "all of their options"


def test_our_options_are_there() -> None:
    ours = {f"--{name.replace('_', '-')}" for name in inspect.signature(serve).parameters}
    assert {row[2].strip("`") for row in _rows("The command")} <= ours
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= ours | {"--enable-prompt-tokens-details"}


def test_our_endpoints_are_there() -> None:
    ours = {f"{one.method} {one.path.replace(':path', '')}" for one in ENDPOINTS} | {f"POST {path}" for path in DIALECTS}
    ours.add("GET /v1/models")
    assert {row[1].strip("`") for row in _rows("Endpoints")} <= ours


def test_their_fields_are_among_ours() -> None:
    endpoints = PAGE.split("\n## Endpoints\n")[1].split("\n## ")[0]
    of_programs, of_engines = (re.split(r"\. |\. Not there|, with two", part)[0] for part in endpoints.split("\n`GET ")[1:3])
    assert set(re.findall(r"`(\w+)`", of_programs)) <= set(ProgramView.__struct_fields__)
    assert set(re.findall(r"`(\w+)`", of_engines)) <= set(BackendView.__struct_fields__)


def test_the_columns_are_the_first_of_ours() -> None:
    told = [name for row in _rows("The CSV file") for name in re.findall(r"`(\w+)`", row[0])]
    assert told == [field.name for field in dataclasses.fields(StepProfile)][: len(told)]
    assert len(told) == 8
