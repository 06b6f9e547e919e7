"""The workloads that policies are compared on.

``swe``, ``openhands``, ``search`` and ``slow-tools`` have the context lengths, turns and tool times of the policy study that the
figures to reach come from. What the study leaves open is taken from published traces of such agents: answers of some 150 tokens
(models that do not think aloud), several tools of different speed.
"""

from __future__ import annotations

from dataclasses import replace

from thunderagent.simulation.distributions import LogNormal
from thunderagent.simulation.workloads import Mix, ProgramSource, Tool, Workload

ANSWER = LogNormal(125, 530)
"""Tokens of a coding agent's answer: a thought and a call; mean 150."""
SWE = Workload(
    "swe",
    first_prompt=LogNormal(3_800, 7_000),
    turns=LogNormal(28, 75),
    observation=LogNormal(365, 3_300),
    output=ANSWER,
    tools=(
        Tool("edit", 0.5, LogNormal(0.7, 5.0)),
        Tool("bash", 0.35, LogNormal(2.6, 30.0)),
        Tool("test", 0.15, LogNormal(11.0, 130.0)),
    ),
)
"""Mean context 16.7k tokens, 31 turns, tools of 1.5 s in the median and 60 s at the 99th percentile."""
OPENHANDS = Workload(
    "openhands",
    first_prompt=LogNormal(8_000, 14_000),
    turns=LogNormal(38, 100),
    observation=LogNormal(640, 6_700),
    output=ANSWER,
    tools=(
        Tool("edit", 0.5, LogNormal(2.6, 15.0)),
        Tool("bash", 0.35, LogNormal(8.0, 60.0)),
        Tool("test", 0.15, LogNormal(26.0, 240.0)),
    ),
)
"""Mean context 37.5k tokens, 42 turns, tools of 5 s in the median and 120 s at the 99th percentile."""
SEARCH = Workload(
    "search",
    first_prompt=LogNormal(700, 1_500),
    turns=LogNormal(4.7, 10),
    observation=LogNormal(850, 2_900),
    output=LogNormal(130, 500),
    tools=(Tool("search", 0.7, LogNormal(0.6, 3.0)), Tool("visit", 0.3, LogNormal(1.5, 10.0))),
)
"""Mean context 3.5k tokens, 5 turns, tools of 0.8 s in the median."""
SLOW_TOOLS = replace(
    SWE,
    name="slow-tools",
    tools=(
        Tool("edit", 0.5, LogNormal(9.0, 40.0)),
        Tool("bash", 0.35, LogNormal(35.0, 150.0)),
        Tool("test", 0.15, LogNormal(90.0, 300.0)),
    ),
)
"""``swe`` with tools of 20 s in the median: builds and test suites that sandboxes cut off after some minutes."""
ORCHESTRA = Workload(
    "orchestra",
    first_prompt=LogNormal(2_500, 5_000),
    turns=LogNormal(12, 45),
    observation=LogNormal(700, 7_000),
    output=LogNormal(160, 800),
    tools=(
        Tool("search", 0.35, LogNormal(1.0, 8.0)),
        Tool("code", 0.25, LogNormal(2.0, 40.0)),
        Tool("browse", 0.25, LogNormal(5.0, 60.0)),
        Tool("expert", 0.15, LogNormal(15.0, 400.0)),
    ),
)
"""An orchestrator of many tools, some of them models: no two alike, and a long tail."""
PARALLEL = replace(SWE, name="parallel", beside_share=0.25, beside=3)
"""``swe`` in which every fourth turn makes four calls at once."""
LOST_CLIENTS = replace(SWE, name="lost-clients", lost_share=0.2)
"""``swe`` in which every fifth client dies halfway and never says so."""
SHARED_PREFIX = replace(SWE, name="shared-prefix", prefix_tokens=20_000)
"""``swe`` with a system prompt of 20k tokens that all programs share."""
MIX = Mix("mix", ((SWE, 0.4), (SEARCH, 0.4), (ORCHESTRA, 0.2)))
"""Several kinds at once."""
RL_BATCH = replace(SWE, name="rl-batch", group_size=8)
"""``swe`` in groups of 8 samples of one prompt; a step of training waits for all of them."""

WORKLOADS: dict[str, ProgramSource] = {
    source.name: source
    for source in (SWE, OPENHANDS, SEARCH, SLOW_TOOLS, ORCHESTRA, PARALLEL, LOST_CLIENTS, SHARED_PREFIX, MIX, RL_BATCH)
}
