"""Capacity is read from what engines publish, all data-parallel ranks counted."""

from __future__ import annotations

import pytest

from thunderagent.adapters.engines.capacity import capacity_tokens

VLLM = 'vllm:cache_config_info{{block_size="16",cache_dtype="auto",engine="{engine}",num_gpu_blocks="{blocks}"}} 1.0\n'


def test_vllm_publishes_blocks_and_their_size_per_rank() -> None:
    assert capacity_tokens(VLLM.format(engine=0, blocks=1000)) == 16_000
    assert capacity_tokens(VLLM.format(engine=0, blocks=1000) + VLLM.format(engine=1, blocks=500)) == 24_000


def test_sglang_publishes_tokens() -> None:
    assert capacity_tokens('# HELP x y\nsglang:max_total_num_tokens{model_name="m"} 3.2e+05\n') == 320_000


@pytest.mark.parametrize("page", ["", "garbage {{{\n", VLLM.format(engine=0, blocks="None"), "vllm:num_requests_running 3.0\n"])
def test_a_page_that_does_not_tell_gives_none(page: str) -> None:
    assert capacity_tokens(page) is None
