"""The engine's state as SGLang tells it. What SGLang tells beyond this, and nobody here reads, is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from thunderagent.adapters.engines.simulated.metrics import escaped, series
from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.simulation import SimulatedEngine

VERSION = "0.5.23"
"""Of SGLang: the one whose pages these are."""


def loads(engine: SimulatedEngine) -> dict[str, Any]:
    """/v1/loads."""
    capacity = engine.spec.usable_tokens
    used = engine.used_blocks * engine.spec.block_size_tokens
    load = {
        "dp_rank": 0,
        "num_running_reqs": engine.running,
        "num_waiting_reqs": engine.waiting,
        "num_used_tokens": used,
        "max_total_num_tokens": capacity,
        "max_running_requests": engine.spec.max_running,
        "token_usage": round(used / capacity, 4),
    }
    return {"timestamp": datetime.now(UTC).isoformat(), "version": VERSION, "num_accelerators": 1, "loads": [load]}


def server_info(service: Service) -> dict[str, Any]:
    """/server_info."""
    spec = service.driver.engine.spec
    return {
        "version": VERSION,
        "status": "ready",
        "model_path": service.model_name,
        "served_model_name": service.model_name,
        "max_total_num_tokens": spec.usable_tokens,
        "max_req_input_len": service.max_model_len_tokens - 1,
        "page_size": spec.block_size_tokens,
        **dict.fromkeys(("dp_size", "tp_size", "pp_size", "ep_size"), 1),
        "disaggregation_mode": "null",
        "enable_memory_saver": False,
        "enable_priority_scheduling": False,
        "enable_hierarchical_cache": False,
        "weight_version": service.weight_version,
        "internal_states": [{"memory_usage": {"token_capacity": spec.usable_tokens}}],
        "time_scale": service.driver.time_scale,
    }


def model_info(service: Service) -> dict[str, Any]:
    """/model_info."""
    return {
        "model_path": service.model_name,
        "served_model_name": service.model_name,
        "is_generation": True,
        "weight_version": service.weight_version,
        "load_format": "dummy",
    }


def metrics(engine: SimulatedEngine, model_name: str) -> str:
    """/metrics."""
    spec, counters = engine.spec, engine.counters
    used = engine.used_blocks * spec.block_size_tokens
    model = f'engine_type="unified",model_name="{escaped(model_name)}"'
    rank = f'{model},tp_rank="0"'
    lines: list[str] = []
    value: float
    for name, labels, help_text, value in (
        ("prompt_tokens", model, "Prompt tokens, cached ones included.", counters.prompt_tokens),
        ("cached_tokens", f'cache_source="device",{model}', "Prompt tokens found cached.", counters.prefix_cache_hits_tokens),
        ("generation_tokens", model, "Tokens generated.", counters.generation_tokens),
        ("num_retracted_requests", rank, "Retractions.", counters.preemptions),
    ):
        lines += series(f"sglang:{name}_total", "counter", help_text, labels, value)
    for name, help_text, value in (
        ("max_total_num_tokens", "Tokens that the KV cache holds.", spec.usable_tokens),
        ("page_size", "Tokens per KV page.", spec.block_size_tokens),
        ("num_running_reqs", "Requests that hold KV.", engine.running),
        ("num_queue_reqs", "Requests that wait.", engine.waiting),
        ("token_usage", "Share of the KV cache in use; 1 is all.", used / spec.usable_tokens),
        ("num_used_tokens", "Tokens in use.", used),
    ):
        lines += series(f"sglang:{name}", "gauge", help_text, rank, value)
    return "\n".join(lines) + "\n"
