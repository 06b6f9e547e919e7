"""The engine model does what a real vLLM did: `python -m benchmarks.fidelity --engine vllm --record FILE` made the recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fidelity.cases import Case, Recording
from benchmarks.fidelity.outcome import Outcome, differences
from thunderagent.simulation import EngineSpec

RECORDINGS = [Recording.read(path) for path in sorted((Path(__file__).parent / "data").glob("vllm_*.json"))]
CASES = [
    pytest.param(recording.spec, case, real, id=f"{recording.engine}, steps of {recording.spec.max_batched_tokens}: {case.name}")
    for recording in RECORDINGS
    for case, real in recording.outcomes
]


@pytest.mark.parametrize(("spec", "case", "real"), CASES)
def test_the_model_finds_the_same_tokens_cached_and_preempts_as_often(spec: EngineSpec, case: Case, real: Outcome) -> None:
    model = case.on_the_model(spec)

    assert [index for index, tokens in enumerate(differences(real, model)) if tokens] == [], "the goal is one block"
    assert model.preemptions == real.preemptions


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_recordings_put_the_cache_under_pressure(recording: Recording) -> None:
    outcomes = {case.name: real for case, real in recording.outcomes}

    assert outcomes["burst"].preemptions > 10
    assert outcomes["burst of long prompts"].preemptions > 5
    assert 0.3 < outcomes["sessions"].hit_ratio < 0.7, "a cache that holds all sessions finds more than 0.8"


def test_a_cache_of_two_blocks_more_would_be_noticed() -> None:
    recording = RECORDINGS[0]
    (case, real), *_ = recording.outcomes
    spec = recording.spec
    larger = replace(spec, kv_capacity_tokens=spec.kv_capacity_tokens + 2 * spec.block_size_tokens)

    assert max(map(abs, differences(real, case.on_the_model(larger)))) > spec.block_size_tokens
