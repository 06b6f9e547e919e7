from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from tests.simulation.test_engine import Run
from thunderagent.simulation import EngineSpec, SimulatedEngine
from thunderagent.simulation.calibration import Calibration, DecodeSample, PrefillSample, calibrate

SPEC = EngineSpec.dense_32b_on_2xh100()


def measure_prefill(tokens: int) -> PrefillSample:
    """As a client measures it: from the record of a request that is alone."""
    run = Run(SimulatedEngine(SPEC))
    run.engine.submit_chain("a", list(range(tokens)), tokens, 2, 0.0)
    record = run.to_the_end()["a"]
    return PrefillSample(record.prompt_tokens - record.cached_tokens, record.prefill_s)


def measure_decode(running: int, context_tokens: int, output_tokens: int = 40) -> DecodeSample:
    """As a client measures it: the mean time between tokens of requests that decode together."""
    run = Run(SimulatedEngine(replace(SPEC, max_batched_tokens=10**6)))
    for number in range(running):
        run.engine.submit_chain(
            str(number), list(range(10**6 * number, 10**6 * number + 9_000)), context_tokens, output_tokens, 0.0
        )
    record = run.to_the_end()["0"]
    step_s = record.decode_s / (record.completion_tokens - 1)
    return DecodeSample(running, running * (context_tokens + output_tokens / 2), step_s)


def prefills(noise: float = 0.0) -> list[PrefillSample]:
    random = Random(1)
    samples = [measure_prefill(tokens) for tokens in (200, 1_000, 4_000, 12_000, 40_000)]
    return [replace(sample, seconds=sample.seconds * random.uniform(1 - noise, 1 + noise)) for sample in samples]


def decodes(noise: float = 0.0) -> list[DecodeSample]:
    random = Random(2)
    samples = [measure_decode(*sizes) for sizes in ((1, 100), (4, 2_000), (8, 10_000), (12, 20_000))]
    return [replace(sample, step_s=sample.step_s * random.uniform(1 - noise, 1 + noise)) for sample in samples]


def fit(prefills: list[PrefillSample], decodes: list[DecodeSample]) -> Calibration:
    return calibrate(prefills, decodes, kv_capacity_tokens=SPEC.kv_capacity_tokens)


def test_the_simulated_engines_own_records_give_its_spec_back() -> None:
    fitted = fit(prefills(), decodes())

    assert fitted.spec.kv_capacity_tokens == SPEC.kv_capacity_tokens
    assert fitted.spec.prefill_tokens_per_s == pytest.approx(SPEC.prefill_tokens_per_s, rel=0.02)
    assert fitted.spec.decode_step_s == pytest.approx(SPEC.decode_step_s, rel=0.02)
    assert fitted.spec.decode_s_per_kv_token == pytest.approx(SPEC.decode_s_per_kv_token, rel=0.02)
    assert fitted.prefill_error < 0.01
    assert fitted.decode_error < 0.01


def test_noise_shows_in_the_errors() -> None:
    fitted = fit(prefills(noise=0.1), decodes(noise=0.1))

    assert fitted.spec.prefill_tokens_per_s == pytest.approx(SPEC.prefill_tokens_per_s, rel=0.15)
    assert 0.01 < fitted.prefill_error < 0.1
    assert 0.01 < fitted.decode_error < 0.1


@pytest.mark.parametrize(
    ("prefills", "decodes", "problem"),
    [
        ([], [DecodeSample(1, 10, 0.02), DecodeSample(1, 900, 0.03)], "0 prefill samples, at least 2"),
        ([PrefillSample(10, 1.0)] * 2, [DecodeSample(1, 10, 0.02)], "1 decode samples, at least 2"),
        ([PrefillSample(0, 1.0)] * 2, [DecodeSample(1, 10, 0.02)] * 2, "PrefillSample.*cannot be"),
        ([PrefillSample(9, math.nan)] * 2, [DecodeSample(1, 10, 0.02)] * 2, "PrefillSample.*cannot be"),
        ([PrefillSample(9, 1.0)] * 2, [DecodeSample(8, 4, 0.02)] * 2, "DecodeSample.*cannot be"),
        ([PrefillSample(9, 1.0)] * 2, [DecodeSample(1, 10, -0.02)] * 2, "DecodeSample.*cannot be"),
        ([PrefillSample(9, 1.0)] * 2, [DecodeSample(1, 10, 0.02)] * 2, "all decode samples have 10 kv_tokens"),
    ],
)
def test_samples_that_cannot_do_are_refused(prefills: list[PrefillSample], decodes: list[DecodeSample], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        fit(prefills, decodes)


@pytest.mark.parametrize(
    ("prefills", "decodes", "problem"),
    [
        ([PrefillSample(99, 1.0)] * 2, [DecodeSample(1, 100, 0.01), DecodeSample(1, 200, 0.03)], "decode_step_s would be"),
        (
            [PrefillSample(99, 1.0)] * 2,
            [DecodeSample(1, 100, 0.03), DecodeSample(1, 200, 0.02)],
            "decode_s_per_kv_token would be",
        ),
        ([PrefillSample(99, 0.01)] * 2, [DecodeSample(1, 10, 0.02), DecodeSample(1, 900, 0.03)], "prefill_tokens_per_s would be"),
    ],
)
def test_constants_that_no_engine_has_are_refused_with_what_is_missing(
    prefills: list[PrefillSample], decodes: list[DecodeSample], problem: str
) -> None:
    with pytest.raises(ValueError, match=f"{problem} .*missing"):
        fit(prefills, decodes)


def test_a_budget_of_no_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="max_batched_tokens is 0"):
        calibrate(prefills(), decodes(), kv_capacity_tokens=1_000, max_batched_tokens=0)
