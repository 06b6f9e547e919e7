"""Engines by name, each derived from its hardware; what nothing derives is said to be assumed.

All take 90% of the memory (vLLM's default) and 3.85 GB of activations per GPU; 60% of the memory bandwidth of 3.35 TB/s is
reached, and 50 of the 64 GB/s of PCIe 5.0 x16.
"""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.simulation.spec import EngineSpec


def moe_235b_on_8xh100() -> EngineSpec:
    """Qwen3-235B-A22B in FP8 (94 layers, 4 KV heads of 128, 8 of 128 experts) on eight H100 80 GB.

    Attention is tensor parallel, so that each of the 4 KV heads is on two GPUs, experts are spread over the GPUs.

    - weights: 94 layers x 128 experts x 3 x 4,096 x 1,536 = 227 GB of experts and 8 GB of all else.
    - step: a token goes to 8 of 128 experts per layer, so B requests touch 1 - (1 - 8 / 128)^B of them. The model has one
      constant: that of 32 requests, which touch 87% and read 206 GB, in 13 ms at 60% of 8 x 3.35 TB/s; and about 9 ms
      (assumed) for two collectives in each layer, sampling and scheduling: 22 ms. 8 requests would take 15 ms, 256 24 ms.
    - KV of one token: 94 x 4 x 128 x 2 (K and V) x 2 B = 188 KiB, twice because of the copies; at 60%: 24 ns.
    - prefill: 2 x 22e9 = 44 GFLOP per token; 8 x 1,979 TFLOP/s (FP8) at 12% utilisation: about 43,000 tokens/s. 12% is
      assumed: small matrices of the experts and much communication.
    - capacity: 8 x 80 GB x 0.9 - 235 GB of weights - 31 GB of activations = 310 GB, or 805,000 tokens.
    - host memory: 8 x 50 GB/s: 1,040,000 tokens/s.
    """
    return EngineSpec(
        kv_capacity_tokens=805_000,
        prefill_tokens_per_s=43_000.0,
        decode_step_s=0.022,
        decode_s_per_kv_token=24e-9,
        host_tokens_per_s=1_040_000.0,
    )


def dense_8b_on_1xh100() -> EngineSpec:
    """An 8.2B dense model in bf16 (36 layers, 8 KV heads of 128: Qwen3-8B) on one H100 80 GB.

    - step: 8.2e9 x 2 B = 16.4 GB of weights, in 8 ms at 60% of 3.35 TB/s; and about 3 ms (assumed) for sampling and
      scheduling: 11 ms.
    - KV of one token: 36 x 8 x 128 x 2 (K and V) x 2 B = 144 KiB; at 60%: 73 ns.
    - prefill: 2 x 8.2e9 = 16.4 GFLOP per token; 989 TFLOP/s at 40% utilisation (assumed: no communication, thus more than
      the 30% of two GPUs): about 24,000 tokens/s.
    - capacity: 80 GB x 0.9 - 16.4 GB of weights - 3.85 GB of activations = 51.75 GB, or 350,000 tokens.
    - host memory: 50 GB/s: 340,000 tokens/s.
    """
    return EngineSpec(
        kv_capacity_tokens=350_000,
        prefill_tokens_per_s=24_000.0,
        decode_step_s=0.011,
        decode_s_per_kv_token=73e-9,
        host_tokens_per_s=340_000.0,
    )


PRESETS: dict[str, Callable[[], EngineSpec]] = {
    "32b-2xh100": EngineSpec.dense_32b_on_2xh100,
    "moe-8xh100": moe_235b_on_8xh100,
    "8b-h100": dense_8b_on_1xh100,
}
