"""Capacity is read from what engines publish, all data-parallel ranks counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.engines.capacity import LARGEST_TOKENS, capacity_tokens

VLLM = 'vllm:cache_config_info{{block_size="16",cache_dtype="auto",engine="{engine}",num_gpu_blocks="{blocks}"}} 1.0\n'


def test_vllm_publishes_blocks_and_their_size_per_rank_and_uses_all_but_one() -> None:
    assert capacity_tokens(VLLM.format(engine=0, blocks=1001)) == 16_000
    assert capacity_tokens(VLLM.format(engine=0, blocks=1001) + VLLM.format(engine=1, blocks=501)) == 24_000


def test_the_page_of_a_real_vllm_0_32_is_understood() -> None:
    page = (
        "# TYPE vllm:cache_config_info gauge\n"
        'vllm:cache_config_info{_block_size_resolved="True",block_size="32",cache_dtype="auto",engine="0",'
        'gpu_memory_utilization="0.92",kv_cache_memory_bytes="12582912",kv_cache_size_tokens="49152",num_cpu_blocks="None",'
        'num_gpu_blocks="1536",num_gpu_blocks_override="None",user_specified_block_size="True"} 1.0\n'
        "# TYPE vllm:num_requests_running gauge\n"
        'vllm:num_requests_running{engine="0",model_name="tiny"} 0.0\n'
    )
    assert capacity_tokens(page) == 1535 * 32


def test_sglang_publishes_tokens() -> None:
    assert capacity_tokens('# HELP x y\nsglang:max_total_num_tokens{model_name="m"} 3.2e+05\n') == 320_000


@pytest.mark.parametrize("page", ["", "garbage {{{\n", VLLM.format(engine=0, blocks="None"), "vllm:num_requests_running 3.0\n"])
def test_a_page_that_does_not_tell_gives_none(page: str) -> None:
    assert capacity_tokens(page) is None


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-5", "1e300", "0", "0x10", ""])
def test_numbers_that_cannot_be_are_not_told(value: str) -> None:
    assert capacity_tokens(f'sglang:max_total_num_tokens{{model_name="m"}} {value}\n') is None


@given(st.text(), st.sampled_from(["vllm:cache_config_info{", "sglang:max_total_num_tokens{", ""]))
def test_no_page_is_too_odd_to_be_read(text: str, start: str) -> None:
    told = capacity_tokens(start + text)
    assert told is None or 0 < told < LARGEST_TOKENS


def test_no_page_that_breaks_off_is_too_odd_to_be_read() -> None:
    page = VLLM.format(engine=0, blocks=1001) + 'sglang:max_total_num_tokens{model_name="m"} 3.2e+05\n'
    for end in range(len(page)):
        capacity_tokens(page[:end])
