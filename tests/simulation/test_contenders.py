from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.simulation.support import SPEC
from thunderagent.core import CapPolicy
from thunderagent.simulation.catalogue import SWE
from thunderagent.simulation.contenders import CAP_FILLS, CONTENDERS, HOST_SHARE, caps, with_cap
from thunderagent.simulation.distributions import LogNormal
from thunderagent.simulation.experiments import Fleet, Steady
from thunderagent.simulation.outcome import Outcome

SMALL_SWE = replace(
    SWE, name="small", first_prompt=LogNormal(2_000, 3_000), turns=LogNormal(12, 20), observation=LogNormal(365, 900)
)
OVERLOADED = Steady(SMALL_SWE, 4.0, warm_up_s=60.0, measured_s=240.0)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Of all contenders, on one small and overloaded engine."""
    given = {}
    for name, contender in {**CONTENDERS, "cap": with_cap(8)}.items():
        fleet = Fleet(contender.policy, [contender.engine(replace(SPEC, kv_capacity_tokens=64_000))])
        given[name] = OVERLOADED.run(fleet, 1, lambda driver: None).outcome()
    return given


def test_the_bound_is_above_thunder_and_thunder_above_the_engine_alone(outcomes: dict[str, Outcome]) -> None:
    rates = {name: outcome.turns_per_hour for name, outcome in outcomes.items()}

    assert rates["thunder"] > 1.2 * rates["default"]
    assert all(rate <= rates["bound"] for name, rate in rates.items())
    assert rates["thunder+host"] >= rates["thunder"]


def test_thunder_keeps_what_the_engine_alone_computes_again(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["thunder"].hit_rate > outcomes["default"].hit_rate
    assert outcomes["thunder"].reprefilled_tokens < outcomes["default"].reprefilled_tokens


def test_the_bound_finds_all_that_was_ever_computed(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["bound"].reprefilled_tokens == 0


def test_every_contender_is_named_as_it_is_found() -> None:
    assert all(contender.name == name and contender.meaning for name, contender in CONTENDERS.items())


def test_a_policy_belongs_to_one_simulation() -> None:
    for contender in CONTENDERS.values():
        assert contender.policy() is not contender.policy()


def test_contenders_change_the_engine_only_as_their_names_say() -> None:
    changed = {name: contender.engine(SPEC) for name, contender in CONTENDERS.items()}

    assert {name for name, spec in changed.items() if spec != SPEC} == {"thunder+hints", "thunder+host", "bound"}
    assert changed["thunder+hints"] == replace(SPEC, queue="priority")
    assert changed["thunder+host"].host_capacity_tokens == HOST_SHARE * SPEC.usable_tokens
    assert changed["bound"].host_capacity_tokens == changed["bound"].host_tokens_per_s == math.inf


def test_caps_go_from_no_evictions_to_many() -> None:
    assert caps(1_000.0, SPEC) == [round(fill * 32) for fill in CAP_FILLS]
    assert caps(10_000.0, SPEC) == [2, 3, 4, 6, 8]  # those that round to the same number are tried once
    assert caps(1e9, SPEC) == [1]


def test_a_cap_is_the_number_of_programs_of_its_policy() -> None:
    policy = with_cap(7).policy()

    assert isinstance(policy, CapPolicy)
    assert policy.programs_per_backend == 7
    assert with_cap(7).name == "cap"
