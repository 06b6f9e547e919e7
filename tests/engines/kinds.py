"""What differs between engines: how a turn is asked for and answered, what is counted, and what holds them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """Of one turn."""

    prompt_tokens: int
    cached_tokens: int
    token_ids: list[int]


@dataclass(frozen=True)
class Counters:
    """Where an engine's metrics page has what."""

    running: str
    cached_tokens: str
    generated_tokens: str
    preemptions: str


@dataclass(frozen=True)
class Call:
    """A request that acts on an engine."""

    path: str
    body: dict[str, Any] | None = None


class Kind(Protocol):
    """One kind of engine."""

    name: str
    script: str
    path: str
    """Of the turns. Prompts and answers are tokens, so that it is known exactly what a cache holds."""
    info: str
    """Where it tells its configuration."""
    counters: Counters
    freeze: Call
    thaw: Call
    drop_cache: Call
    keeps_cache_frozen: bool
    """Whether what was cached is still there when it goes on."""

    def turn(self, prompt: list[int], answer_tokens: int) -> dict[str, Any]:
        """The body of a request that is answered with just so many tokens."""
        ...

    def read(self, answer: dict[str, Any]) -> Answer:
        """A whole answer."""
        ...

    def capacity_tokens(self, info: dict[str, Any]) -> int:
        """KV that requests can fill, by that configuration, not by the metrics."""
        ...


class Vllm:
    """vLLM 0.32."""

    name = "vllm"
    script = "real-vllm"
    path = "/v1/completions"
    info = "/server_info?config_format=json"
    counters = Counters(
        running="vllm:num_requests_running",
        cached_tokens="vllm:prefix_cache_hits_total",
        generated_tokens="vllm:generation_tokens_total",
        preemptions="vllm:num_preemptions_total",
    )
    freeze = Call("/pause?mode=keep")
    thaw = Call("/resume")
    drop_cache = Call("/reset_prefix_cache")
    keeps_cache_frozen = False

    def turn(self, prompt: list[int], answer_tokens: int) -> dict[str, Any]:
        return {
            "model": "tiny",
            "prompt": prompt,
            "max_tokens": answer_tokens,
            "ignore_eos": True,
            "temperature": 1.0,
            "return_token_ids": True,
        }

    def read(self, answer: dict[str, Any]) -> Answer:
        usage = answer["usage"]
        cached = (usage["prompt_tokens_details"] or {}).get("cached_tokens") or 0
        return Answer(usage["prompt_tokens"], cached, answer["choices"][0]["token_ids"])

    def capacity_tokens(self, info: dict[str, Any]) -> int:
        cache = info["vllm_config"]["cache_config"]
        return int(cache["block_size"]) * (int(cache["num_gpu_blocks"]) - 1)  # one is its padding


class Sglang:
    """SGLang 0.5.23."""

    name = "sglang"
    script = "real-sglang"
    path = "/generate"
    info = "/server_info"
    counters = Counters(
        running="sglang:num_running_reqs",
        cached_tokens="sglang:cached_tokens_total",
        generated_tokens="sglang:generation_tokens_total",
        preemptions="sglang:num_retracted_requests_total",
    )
    freeze = Call("/pause_generation", {"mode": "in_place"})
    thaw = Call("/continue_generation", {})
    drop_cache = Call("/flush_cache")
    keeps_cache_frozen = True

    def turn(self, prompt: list[int], answer_tokens: int) -> dict[str, Any]:
        # With ignore_eos it would set room aside for the whole answer, as it does for no real request.
        return {"input_ids": prompt, "sampling_params": {"max_new_tokens": answer_tokens, "min_new_tokens": answer_tokens}}

    def read(self, answer: dict[str, Any]) -> Answer:
        meta = answer["meta_info"]
        return Answer(meta["prompt_tokens"], meta["cached_tokens"], answer["output_ids"])

    def capacity_tokens(self, info: dict[str, Any]) -> int:
        return int(info["internal_states"][0]["memory_usage"]["token_capacity"])
