"""How many tokens an engine's KV cache holds, from its own metrics page."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

VLLM_CACHE_CONFIG = "vllm:cache_config_info{"
SGLANG_MAX_TOKENS = "sglang:max_total_num_tokens{"
LARGEST_TOKENS = 10**12
"""No KV cache holds as many; a larger number is a mistake."""


def capacity_tokens(metrics_page: str) -> int | None:
    """KV capacity in tokens, summed over an engine's data-parallel ranks; None if the page does not tell, or tells nonsense.

    vLLM: ``vllm:cache_config_info``, block_size x (num_gpu_blocks - 1): it never hands out one block, its padding (its own label
    ``kv_cache_size_tokens`` counts that block). SGLang: ``sglang:max_total_num_tokens``.
    """
    wanted = [line for line in metrics_page.splitlines() if line.startswith((VLLM_CACHE_CONFIG, SGLANG_MAX_TOKENS))]
    total = 0
    try:
        for family in text_string_to_metric_families("\n".join(wanted) + "\n"):
            for sample in family.samples:
                if sample.name == VLLM_CACHE_CONFIG[:-1]:
                    total += _vllm_tokens(sample.labels)
                else:
                    total += int(sample.value)
    except (ValueError, OverflowError, LookupError):  # a line that breaks off, NaN, infinity
        return None
    return total if 0 < total < LARGEST_TOKENS else None


def _vllm_tokens(labels: dict[str, str]) -> int:
    blocks, size = labels.get("num_gpu_blocks", ""), labels.get("block_size", "")
    if blocks.isdecimal() and size.isdecimal():  # "None" until the engine has profiled its memory
        return max(0, int(blocks) - 1) * int(size)
    return 0
