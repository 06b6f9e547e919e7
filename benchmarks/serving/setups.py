"""What is measured on what: a model, an engine and agents whose contexts come to about four times its KV cache."""

from __future__ import annotations

from dataclasses import dataclass

from recipes.serve.agents.agent import Plan


@dataclass(frozen=True, slots=True)
class Setup:
    """One of them."""

    meaning: str
    model: tuple[str, ...]
    """Sizes, for ``scripts/engines/tiny_model.py``; weights are random."""
    kv_tokens: int
    block_tokens: int
    max_seqs: int
    max_model_len: int
    agents: int
    plan: Plan
    caps: tuple[int, ...]
    """Static numbers of programs that are tried."""


def _model(hidden: int, layers: int, heads: int, kv_heads: int) -> tuple[str, ...]:
    return ("--hidden", str(hidden), "--layers", str(layers), "--heads", str(heads), "--kv-heads", str(kv_heads))


SETUPS = {
    "cpu": Setup(
        "vLLM on one CPU core, a model of 10M parameters, 12,288 tokens of KV; 16 chat agents with 8 turns each",
        # About 2,000 tokens/s of prefill and 10 ms per step on a core without AVX-512, where one of 21M parameters would make a
        # run of all arms an hour: the goals were set on a core that was as fast with that one.
        _model(384, 6, 6, 2),
        kv_tokens=12_288,
        block_tokens=32,
        max_seqs=64,
        max_model_len=4_096,
        agents=16,
        plan=Plan(turns=8, system_chars=900, first_chars=330, observation_chars=540, answer_tokens=80, think_s=2.0),
        caps=(4, 6, 8, 10),
    ),
    "gpu": Setup(
        "vLLM on one GPU of 80 GB, a model of 7B parameters, 120,000 tokens of KV; 40 chat agents with 12 turns each",
        _model(4_096, 48, 32, 8),
        kv_tokens=120_000,
        block_tokens=16,
        max_seqs=256,
        max_model_len=32_768,
        agents=40,
        plan=Plan(turns=12, system_chars=2_000, first_chars=6_000, observation_chars=1_800, answer_tokens=200, think_s=2.0),
        caps=(8, 12, 16, 20),
    ),
}
