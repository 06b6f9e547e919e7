from __future__ import annotations

import math

from thunderagent.cli import options
from thunderagent.simulation.faults import NO_FAULTS, Death, Faults
from thunderagent.simulation.spec import EngineSpec


def test_names_are_taken_once_and_in_their_order() -> None:
    assert options.chosen("--x", ["b", "a", "b"], {"a": 1, "b": 2}) == ["b", "a"]


def test_an_engine_is_its_preset_with_other_constants() -> None:
    preset = EngineSpec.dense_32b_on_2xh100()
    spec = options.engine_spec(
        "32b-2xh100",
        ["kv_capacity_tokens=1e6", "prefill_tokens_per_s=20000", "queue=priority", "host_capacity_tokens=inf", "max_running=8"],
    )

    assert options.engine_spec("32b-2xh100", []) == preset
    assert (spec.kv_capacity_tokens, spec.prefill_tokens_per_s, spec.queue) == (1_000_000, 20_000.0, "priority")
    assert (spec.host_capacity_tokens, spec.max_running, spec.decode_step_s) == (math.inf, 8, preset.decode_step_s)
    assert isinstance(spec.kv_capacity_tokens, int)


def test_faults_add_up() -> None:
    texts = ["capacity=0.8", "tokens=1.2", "silent=600-1200", "death=0@600+60", "death=1@600+60"]

    assert options.faults([], 1) == NO_FAULTS
    assert options.faults(texts, 2) == Faults((Death(0, 600.0, 60.0), Death(1, 600.0, 60.0)), 600.0, 1_200.0, 0.8, 1.2)


def test_by_default_each_core_has_a_process() -> None:
    assert options.WORKERS >= 1
