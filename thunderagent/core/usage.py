"""Exact token counts of one turn, as the engine reports them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one finished turn (OpenAI's ``usage``)."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    """Prompt tokens served from the prefix cache (``prompt_tokens_details.cached_tokens``); None: the engine does not tell."""
    prefill_s: float | None = None
    """Seconds that the engine took to compute the rest of the prompt; None: it does not tell."""

    @property
    def context_tokens(self) -> int:
        """Tokens whose KV the program holds after the turn."""
        return self.prompt_tokens + self.completion_tokens
