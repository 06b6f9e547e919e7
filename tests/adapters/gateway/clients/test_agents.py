"""The example agents of ``recipes.serve``, as a user runs them against the gateway."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

pytest.importorskip("openai")

from recipes.serve.agents.agent import Plan
from recipes.serve.agents.crowd import run_crowd
from tests.adapters.gateway.clients.running import Running

PLAN = Plan(turns=3, first_chars=400, observation_chars=200, answer_tokens=40, think_s=0.0)


def test_agents_are_answered_find_their_caches_and_leave_nothing(gateway: Running) -> None:
    before = set(gateway.programs)
    tally = asyncio.run(run_crowd(gateway.url, 4, PLAN, api_key="none", on_step=lambda tally: None))

    assert (len(tally.done), tally.failed) == (12, 0)
    assert tally.hit_rate > 0.5
    assert len(tally.waits_s) == 12
    assert set(gateway.programs) == before


def test_the_command_compares_the_gateway_with_the_engine_alone(gateway: Running) -> None:
    sizes = ["--agents", "3", "--turns", "2", "--think", "0", "--prompt", "200", "--observation", "100", "--answer", "20"]
    command = [sys.executable, "-m", "recipes.serve.agents", "--url", gateway.url, "--url", gateway.engines[0], *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-2:] for line in done.stdout.splitlines() if line.startswith(("steps  ", "failed"))] == [
        ["6", "6"],
        ["0", "0"],
    ]
