from __future__ import annotations

import math
from typing import Any

import pytest

from thunderagent.simulation import EngineSpec

VALID: dict[str, Any] = {
    "kv_capacity_tokens": 100,
    "prefill_tokens_per_s": 1000.0,
    "decode_step_s": 0.01,
    "decode_s_per_kv_token": 0.0,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kv_capacity_tokens", 15),
        ("kv_capacity_tokens", math.nan),
        ("kv_capacity_tokens", math.inf),
        ("block_size_tokens", 0),
        ("block_size_tokens", math.nan),
        ("max_batched_tokens", math.inf),
        ("max_batched_tokens", 0),
        ("max_running", -1),
        ("prefill_tokens_per_s", 0.0),
        ("prefill_tokens_per_s", math.inf),
        ("decode_step_s", 0.0),
        ("decode_step_s", math.nan),
        ("decode_s_per_kv_token", -1e-9),
        ("decode_s_per_kv_token", math.inf),
        ("host_capacity_tokens", -1),
        ("host_capacity_tokens", math.nan),
        ("host_tokens_per_s", 0.0),
        ("host_tokens_per_s", -5.0),
        ("host_tokens_per_s", math.nan),
    ],
)
def test_a_value_out_of_range_is_named_in_the_error(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        EngineSpec(**VALID | {field: value})


def test_a_queue_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="queue is 'lifo', it must be 'fcfs' or 'priority'"):
        EngineSpec(**VALID, queue="lifo")  # type: ignore[arg-type]


def test_the_host_tier_has_whole_blocks_too_unless_it_is_unbounded() -> None:
    assert EngineSpec(**VALID).host_blocks == 0
    assert EngineSpec(**VALID, host_capacity_tokens=100).host_blocks == 6
    assert EngineSpec(**VALID, host_capacity_tokens=math.inf).host_blocks == math.inf


def test_a_step_costs_what_it_computes_reads_and_loads() -> None:
    spec = EngineSpec(**VALID | {"decode_s_per_kv_token": 1e-5}, host_tokens_per_s=2000.0)

    assert spec.step_s(500, 2000, 100) == pytest.approx(0.5 + 0.01 + 0.02)
    assert spec.step_s(500, 2000, 1400) == pytest.approx(0.7)


def test_a_capacity_that_is_no_multiple_of_the_block_size_is_rounded_down() -> None:
    spec = EngineSpec(**VALID)

    assert spec.num_blocks == 6
    assert spec.usable_tokens == 96


def test_the_32b_preset_follows_from_its_roofline() -> None:
    spec = EngineSpec.dense_32b_on_2xh100()
    bytes_per_s = 2 * 3.35e12 * 0.6
    kv_bytes_per_token = 64 * 8 * 128 * 2 * 2

    assert kv_bytes_per_token == 256 * 1024
    assert spec.decode_step_s == pytest.approx(65.5e9 / bytes_per_s + 0.004, rel=0.05)
    assert spec.decode_s_per_kv_token == pytest.approx(kv_bytes_per_token / bytes_per_s, rel=0.02)
    assert spec.prefill_tokens_per_s == pytest.approx(2 * 989e12 * 0.3 / 65.5e9, rel=0.02)
    assert spec.kv_capacity_tokens == pytest.approx((144e9 - 65.5e9 - 7.7e9) / kv_bytes_per_token, rel=0.01)
