"""What a simulated engine can hold and how fast it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """Capacity and speed of one engine.

    One step costs `prefill_tokens / prefill_tokens_per_s + decode_step_s + kv_tokens_read * decode_s_per_kv_token`, or the
    `loaded_tokens / host_tokens_per_s` that come from host memory beside it, if that takes longer.

    Raises:
        ValueError: a value is out of range; the message names the field, the value and what is allowed.
    """

    kv_capacity_tokens: int
    """Tokens the KV cache holds; rounded down to whole blocks."""
    prefill_tokens_per_s: float
    """Prompt tokens computed per second."""
    decode_step_s: float
    """Seconds every step costs, whatever is in it: reading the weights, communication, sampling, scheduling."""
    decode_s_per_kv_token: float
    """Seconds to read the KV of one token of context of a decoding request."""
    block_size_tokens: int = 16
    """Tokens per KV block (vLLM's default)."""
    max_batched_tokens: int = 8192
    """Tokens one step may compute: the budget that chunked prefill fills up."""
    max_running: int = 256
    """Requests one step may hold."""
    host_capacity_tokens: float = 0
    """Tokens of KV that host memory holds besides, rounded down to whole blocks; `math.inf`: without bound, 0: none."""
    host_tokens_per_s: float = math.inf
    """Tokens of KV loaded per second from host memory; `math.inf`: at no cost. Copying there costs nothing: real engines do it
    beside the computation."""
    queue: Literal["fcfs", "priority"] = "fcfs"
    """Who is admitted next and preempted last, as vLLM's `--scheduling-policy`; with fcfs, priorities are ignored."""

    def __post_init__(self) -> None:
        for field in ("block_size_tokens", "max_batched_tokens", "max_running"):
            value = getattr(self, field)
            if not 1 <= value < math.inf:
                raise ValueError(f"{field} is {value}, it must be at least 1 and finite")
        if not self.block_size_tokens <= self.kv_capacity_tokens < math.inf:
            raise ValueError(
                f"kv_capacity_tokens is {self.kv_capacity_tokens}, "
                f"it must be at least one block of {self.block_size_tokens} tokens and finite"
            )
        if not 0 < self.prefill_tokens_per_s < math.inf:
            raise ValueError(f"prefill_tokens_per_s is {self.prefill_tokens_per_s}, it must be positive and finite")
        if not 0 < self.decode_step_s < math.inf:
            raise ValueError(f"decode_step_s is {self.decode_step_s}, it must be positive and finite")
        if not 0 <= self.decode_s_per_kv_token < math.inf:
            raise ValueError(f"decode_s_per_kv_token is {self.decode_s_per_kv_token}, it must be finite and at least 0")
        if not self.host_capacity_tokens >= 0:
            raise ValueError(f"host_capacity_tokens is {self.host_capacity_tokens}, it must be at least 0")
        if not self.host_tokens_per_s > 0:
            raise ValueError(f"host_tokens_per_s is {self.host_tokens_per_s}, it must be positive")
        if self.queue not in ("fcfs", "priority"):
            raise ValueError(f"queue is {self.queue!r}, it must be 'fcfs' or 'priority'")

    @property
    def num_blocks(self) -> int:
        """Whole blocks in the KV cache."""
        return self.kv_capacity_tokens // self.block_size_tokens

    @property
    def usable_tokens(self) -> int:
        """Tokens in whole blocks: the longest prompt plus output that the engine takes."""
        return self.num_blocks * self.block_size_tokens

    @property
    def host_blocks(self) -> float:
        """Whole blocks in host memory, or `math.inf`."""
        if self.host_capacity_tokens == math.inf:
            return math.inf
        return self.host_capacity_tokens // self.block_size_tokens

    def step_s(self, prefill_tokens: int, kv_tokens_read: int, loaded_tokens: int) -> float:
        """Seconds that one step takes which computes, reads and loads so many tokens."""
        computed_s = prefill_tokens / self.prefill_tokens_per_s + self.decode_step_s + kv_tokens_read * self.decode_s_per_kv_token
        return max(computed_s, loaded_tokens / self.host_tokens_per_s)

    @classmethod
    def dense_32b_on_2xh100(cls) -> EngineSpec:
        """A 32.8B dense model in bf16 (64 layers, 8 KV heads of 128) on two H100 80 GB, tensor parallel.

        Roofline:
        - weights: 32.8e9 x 2 B = 65.5 GB; bandwidth 2 x 3.35 TB/s, of which about 60% is reached: 16 ms to read them,
          and about 4 ms for all-reduce, sampling and scheduling: a step of 20 ms.
        - KV of one token: 64 x 8 x 128 x 2 (K and V) x 2 B = 256 KiB; at the same 60%: 65 ns.
        - prefill: 2 x 32.8e9 = 65.5 GFLOP per token; 2 x 989 TFLOP/s at 30% utilisation: about 9,000 tokens/s.
        - capacity: 2 x 80 GB x 0.9 - 65.5 GB of weights - 7.7 GB of activations = 70.8 GB, or 270,000 tokens.
        - host memory, where there is a tier in it: each GPU loads its half over PCIe 5.0 x16, about 50 of 64 GB/s are
          reached: 380,000 tokens/s.
        """
        return cls(
            kv_capacity_tokens=270_000,
            prefill_tokens_per_s=9_000.0,
            decode_step_s=0.020,
            decode_s_per_kv_token=65e-9,
            host_tokens_per_s=380_000.0,
        )
