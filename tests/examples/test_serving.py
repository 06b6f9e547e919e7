"""The serving examples, as their READMEs run them: to the end, and nothing is left behind."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from examples.common import embedded_engine, parser, served
from thunderagent.study.document import Study

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240
"""Each takes some ten seconds; a machine under heavy load may take many times that."""
ALL = re.compile(r"^all +(\d+) +([\d.]+) +([\d.]+) +(\d+) of (\d+) ended well", re.MULTILINE)
"""Turns, waits, hit rate, and how many agents ended well."""


def run(command: str, *more: str) -> str:
    """What it prints. ``scripts/run`` sets up what is there already."""
    words = [sys.executable, "-m", *shlex.split(command)[1:], *more]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("THUNDERAGENT_")}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables(shown: str) -> Sequence[tuple[int, float, float]]:
    """Turns, waited seconds and hit rate of each table, all of whose agents ended well and left nothing."""
    found = ALL.findall(shown)
    assert all(well == agents for *_, well, agents in found), shown
    assert shown.count("left behind: 0 programs, 0 sandboxes") == len(found)
    return [(int(turns), float(waited_s), float(hit_rate)) for turns, waited_s, hit_rate, *_ in found]


def test_anthropics_client() -> None:
    ((turns, waited_s, hit_rate),) = tables(run("scripts/run examples.anthropic_client"))
    assert turns == 43
    assert waited_s > 0  # the agents ask for more than the KV cache holds
    assert hit_rate > 0.3


def test_mini_swe_agents_own_command() -> None:
    pytest.importorskip("minisweagent.run.mini")
    shown = run("scripts/run examples.mini_swe_agent")
    ((turns, _, hit_rate),) = tables(shown)
    assert turns == 13
    assert hit_rate > 0.5
    assert shown.count("Submitted, repaired") == 2


def test_an_agent_with_sub_agents() -> None:
    shown = run("scripts/run examples.openhands_like")
    ((turns, _, hit_rate),) = tables(shown)
    assert turns == 4 * (5 + 2 * 3)
    assert hit_rate > 0.5
    assert shown.count("repaired, with 2 sub-agents") == 4


def test_an_orchestrator_of_two_models() -> None:
    own, expert = tables(run("scripts/run examples.tool_orchestra_like"))
    assert (own[0], expert[0]) == (6 * 4, 6)
    assert own[2] > 0.5


def test_a_recorded_trace_is_replayed(tmp_path: Path) -> None:
    shown = run("scripts/run examples.replay_your_trace", "--out", str(tmp_path))
    ((turns, _, hit_rate),) = tables(shown)  # of examples.openai_client, which records it
    assert turns == 43
    assert hit_rate > 0.3
    study = Study.from_json((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert study.policies == ["default", "tr", "thunder"]
    assert study.settings["trace"] == "profile.jsonl: 8 programs, 43 turns, format profile"
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "recorded.html").exists()


def test_engines_that_are_served_already_and_a_gateway_that_runs_already(tmp_path: Path) -> None:
    asked = parser("it", "does", agents=1).parse_args
    with ExitStack() as ends:
        engine = embedded_engine(ends, tmp_path, "examples.imports:scripted")
        gateway = ends.enter_context(served(asked(["--backends", engine]), answers="no.such:thing"))
        ((turns, *_),) = tables(run("scripts/run examples.openai_client", "--gateway", gateway.url, "--agents", "2"))
        assert gateway.model == "simulated"
    assert turns == 11
