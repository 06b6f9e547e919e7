"""What turns things on and off, for each kind of engine. docs/engines.md has the same table; a test compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from thunderagent.adapters.engines.checkup.finding import Flag
from thunderagent.adapters.engines.reading import EngineKind

_SKYRL: Final = "generator.inference_engine.engine_init_kwargs"
_SKYRL_EVENTS: Final = '{enable_kv_cache_events: true, publisher: zmq, endpoint: "tcp://*:5557"}'

FLAGS: Mapping[EngineKind, Mapping[str, Flag]] = {
    EngineKind.VLLM: {
        "metrics": Flag("--disable-log-stats", remove=True),
        "prefix_caching": Flag("--no-enable-prefix-caching", remove=True),
        "cached_tokens": Flag("--enable-prompt-tokens-details"),
        "priority": Flag("--scheduling-policy priority"),
        "kv_events": Flag(
            """--kv-events-config '{"enable_kv_cache_events": true, "publisher": "zmq", "endpoint": "tcp://*:5557"}'"""
        ),
        "development": Flag("VLLM_SERVER_DEV_MODE=1"),
        "host_tier": Flag("--kv-offloading-size GIB"),
        "context_length": Flag("--max-model-len TOKENS"),
    },
    EngineKind.SGLANG: {
        "metrics": Flag("--enable-metrics"),
        "prefix_caching": Flag("--disable-radix-cache", remove=True),
        "cached_tokens": Flag("--enable-cache-report"),
        "priority": Flag("--enable-priority-scheduling"),
        "kv_events": Flag("""--kv-events-config '{"publisher": "zmq", "endpoint": "tcp://*:5557"}'"""),
        "host_tier": Flag("--enable-hierarchical-cache"),
        "context_length": Flag("--context-length TOKENS"),
    },
    EngineKind.SKYRL: {
        "metrics": Flag("generator.inference_engine.enable_ray_prometheus_stats=false"),
        "prefix_caching": Flag("generator.inference_engine.enable_prefix_caching=true"),
        "cached_tokens": Flag(f"+{_SKYRL}.enable_prompt_tokens_details=true"),
        "priority": Flag(f"+{_SKYRL}.scheduling_policy=priority"),
        "kv_events": Flag(f"+{_SKYRL}.kv_events_config='{_SKYRL_EVENTS}'"),
        "host_tier": Flag(f"+{_SKYRL}.kv_offloading_size=GIB"),
        "context_length": Flag(f"+{_SKYRL}.max_model_len=TOKENS"),
    },
}
"""By the names of the checks."""
