"""The engine's state in Prometheus' text format, under vLLM's names."""

from __future__ import annotations

from thunderagent.simulation import SimulatedEngine


def render_metrics(engine: SimulatedEngine, model_name: str) -> str:
    """One scrape."""
    spec, counters = engine.spec, engine.counters
    labels = f'engine="0",model_name="{escaped(model_name)}"'
    # vLLM keeps one block as padding, so clients take one less as usable, of blocks and of their tokens; ours are all usable.
    config = (
        f'block_size="{spec.block_size_tokens}",num_gpu_blocks="{engine.num_blocks + 1}",'
        f'kv_cache_size_tokens="{spec.usable_tokens + spec.block_size_tokens}",enable_prefix_caching="True",{labels}'
    )
    usage = engine.used_blocks / engine.num_blocks
    hits = counters.prefix_cache_hits_tokens
    lines = [
        *series("vllm:cache_config_info", "gauge", "Configuration of the KV cache.", config, 1.0),
        *series("vllm:num_requests_running", "gauge", "Requests that hold KV.", labels, engine.running),
        *series("vllm:num_requests_waiting", "gauge", "Requests that wait for admission.", labels, engine.waiting),
        *series("vllm:kv_cache_usage_perc", "gauge", "Share of KV blocks in use; 1 is all.", labels, usage),
    ]
    for name, help_text, value in (
        ("vllm:prefix_cache_queries", "Prompt tokens looked up.", counters.prefix_cache_queries_tokens),
        ("vllm:prefix_cache_hits", "Prompt tokens found cached.", hits),
        ("vllm:num_preemptions", "Preemptions.", counters.preemptions),
        ("vllm:prompt_tokens", "Prompt tokens processed, cached ones included.", counters.prompt_tokens),
        ("vllm:prompt_tokens_cached", "Prompt tokens found cached.", hits),
        ("vllm:generation_tokens", "Tokens generated.", counters.generation_tokens),
        (
            "thunderagent:reprefilled_prompt_tokens",
            "Tokens computed again though their prefix had been cached before.",
            counters.reprefilled_tokens,
        ),
    ):
        lines += series(f"{name}_total", "counter", help_text, labels, value)
    return "\n".join(lines) + "\n"


def series(name: str, kind: str, help_text: str, labels: str, value: float) -> list[str]:
    """The lines of one metric with one value."""
    return [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", f"{name}{{{labels}}} {float(value)}"]


def escaped(label: str) -> str:
    """A label's value."""
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
