from __future__ import annotations

import re

from .support import SPEC, Server, serve


def values(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^([\w:]+)\{[^\n]*\} (\S+)$", text, re.MULTILINE)}


def test_a_scrape_shows_what_the_engine_did_under_vllms_names() -> None:
    async def scenario(server: Server) -> str:
        await server.generate(list(range(64)))
        await server.generate(list(range(64)))
        return (await server.get("/metrics"))[1]

    text = serve(scenario, model_name='mo"del')
    assert values(text) == {
        "vllm:cache_config_info": 1.0,
        "vllm:num_requests_running": 0.0,
        "vllm:num_requests_waiting": 0.0,
        "vllm:kv_cache_usage_perc": 0.0,
        "vllm:prefix_cache_queries_total": 128.0,
        "vllm:prefix_cache_hits_total": 48.0,
        "vllm:num_preemptions_total": 0.0,
        "vllm:prompt_tokens_total": 128.0,
        "vllm:prompt_tokens_cached_total": 48.0,
        "vllm:generation_tokens_total": 12.0,
        "thunderagent:reprefilled_prompt_tokens_total": 0.0,
    }
    assert f'block_size="16",num_gpu_blocks="{SPEC.num_blocks + 1}"' in text
    assert 'vllm:num_requests_running{engine="0",model_name="mo\\"del"} 0.0' in text
