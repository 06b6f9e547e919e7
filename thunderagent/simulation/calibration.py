"""The constants of a simulated engine from measurements of a real one.

The fits are least squares of *relative* errors, so that short steps count as much as long ones. First decoding, of which a
step takes `decode_step_s + kv_tokens * decode_s_per_kv_token`; then prefill, which takes its steps and its tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from thunderagent.simulation.spec import EngineSpec

MIN_SAMPLES = 2
"""Of each kind: with fewer, the error of the fit would be 0 whatever was measured."""


@dataclass(frozen=True, slots=True)
class PrefillSample:
    """The prefill of one request, with nothing else in the engine."""

    computed_tokens: int
    """Of the prompt, those that were not cached."""
    seconds: float
    """From admission to the first token."""


@dataclass(frozen=True, slots=True)
class DecodeSample:
    """A step, or the mean of several, in which requests decode and nothing is prefilled."""

    running: int
    """Requests in the step. No term of the model: samples of few and of many show in the error whether one is missing."""
    kv_tokens: float
    """Contexts of all of them together."""
    step_s: float
    """Time of the step, which is also the time between two tokens of a request."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A spec that was fitted, and how well; 0.05: predictions are 5% off in the root mean square."""

    spec: EngineSpec
    prefill_error: float
    decode_error: float


def calibrate(
    prefills: Sequence[PrefillSample],
    decodes: Sequence[DecodeSample],
    *,
    kv_capacity_tokens: int,
    max_batched_tokens: int = 8192,
) -> Calibration:
    """Fit the speed of an engine whose capacity is known.

    Args:
        prefills: of prompts of different length, best from about a hundred tokens to the longest context.
        decodes: with little and with much KV in the batch, best from one short request to a full cache.
        kv_capacity_tokens: what the engine says it holds.
        max_batched_tokens: the engine's budget of a step, which decides how many steps a prefill takes; vLLM's default.

    Raises:
        ValueError: there are too few samples, one cannot be, or a constant comes out as none that an engine can have; the
            message says what is missing.
    """
    _check(prefills, decodes, max_batched_tokens)
    decode_step_s, decode_s_per_kv_token = _line([(sample.kv_tokens, sample.step_s) for sample in decodes])
    if decode_step_s <= 0:
        raise ValueError(f"decode_step_s would be {decode_step_s}: decode samples with few kv_tokens are missing")
    if decode_s_per_kv_token <= 0:
        raise ValueError(
            f"decode_s_per_kv_token would be {decode_s_per_kv_token}, as if more KV took no longer: "
            "decode samples with many kv_tokens are missing"
        )
    in_steps_s = [-(-sample.computed_tokens // max_batched_tokens) * decode_step_s for sample in prefills]
    s_per_token = _slope([(sample.computed_tokens, sample.seconds, s) for sample, s in zip(prefills, in_steps_s, strict=True)])
    if s_per_token <= 0:
        raise ValueError(
            f"prefill_tokens_per_s would be {1 / s_per_token if s_per_token else math.inf}, as if a prefill took no longer than "
            "its steps: prefill samples with many computed_tokens are missing"
        )
    spec = EngineSpec(
        kv_capacity_tokens=kv_capacity_tokens,
        prefill_tokens_per_s=1 / s_per_token,
        decode_step_s=decode_step_s,
        decode_s_per_kv_token=decode_s_per_kv_token,
        max_batched_tokens=max_batched_tokens,
    )
    return Calibration(
        spec,
        _error(
            [
                (sample.computed_tokens * s_per_token + steps_s, sample.seconds)
                for sample, steps_s in zip(prefills, in_steps_s, strict=True)
            ]
        ),
        _error([(decode_step_s + sample.kv_tokens * decode_s_per_kv_token, sample.step_s) for sample in decodes]),
    )


def _check(prefills: Sequence[PrefillSample], decodes: Sequence[DecodeSample], max_batched_tokens: int) -> None:
    for kind, count in (("prefill", len(prefills)), ("decode", len(decodes))):
        if count < MIN_SAMPLES:
            raise ValueError(f"there are {count} {kind} samples, at least {MIN_SAMPLES} are needed")
    for prefill in prefills:
        if prefill.computed_tokens < 1 or not 0 < prefill.seconds < math.inf:
            raise ValueError(f"{prefill} cannot be: tokens and seconds must be positive")
    for decode in decodes:
        if decode.running < 1 or not decode.running <= decode.kv_tokens < math.inf or not 0 < decode.step_s < math.inf:
            raise ValueError(f"{decode} cannot be: requests, seconds and at least a token for each request must be positive")
    if len({decode.kv_tokens for decode in decodes}) == 1:
        raise ValueError(f"all decode samples have {decodes[0].kv_tokens} kv_tokens, samples with more and less are missing")
    if max_batched_tokens < 1:
        raise ValueError(f"max_batched_tokens is {max_batched_tokens}, it must be at least 1")


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Constant and slope of the line through `(x, y)` with the least relative errors."""
    weights = [1 / y**2 for _, y in points]
    total = math.fsum(weights)
    mean_x = math.fsum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = math.fsum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    covariance = math.fsum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True))
    slope = covariance / math.fsum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    return mean_y - slope * mean_x, slope


def _slope(points: Sequence[tuple[float, float, float]]) -> float:
    """Slope of `y = known + slope * x` for points `(x, y, known)` with the least relative errors."""
    return math.fsum(x * (y - known) / y**2 for x, y, known in points) / math.fsum((x / y) ** 2 for x, y, _ in points)


def _error(predictions: Sequence[tuple[float, float]]) -> float:
    """Root mean square of the relative errors of `(predicted, measured)`."""
    return math.sqrt(math.fsum((predicted / measured - 1) ** 2 for predicted, measured in predictions) / len(predictions))
