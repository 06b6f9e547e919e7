"""vLLM's kernel of rotary positions, by SGLang's own formula in PyTorch."""

from __future__ import annotations

import torch
from sglang.srt.layers.rotary_embedding.utils import apply_rotary_emb


def rotary_embedding(  # noqa: PLR0917  (vLLM's own signature)
    positions: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    head_size: int,
    cos_sin_cache: torch.Tensor,
    is_neox: bool,
) -> None:
    """Turn queries and keys by their positions, in place."""
    cos, sin = cos_sin_cache[positions.flatten()].chunk(2, dim=-1)
    for heads in (query, key):
        turned = heads.view(len(cos), -1, head_size)[..., : cos_sin_cache.shape[-1]]
        turned.copy_(apply_rotary_emb(turned, cos, sin, is_neox))
