"""Token counts as engines tell them, in the three vocabularies there are. What cannot be is not known."""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.gateway.answer import Asked
from thunderagent.core import Usage

MAX_TOKENS = 1 << 31
"""More is no count of tokens, even of a large batch."""


def count(value: object) -> int | None:
    """A number of tokens, or None for anything else: missing, negative, a float, huge."""
    return value if isinstance(value, int) and value.__class__ is int and 0 <= value < MAX_TOKENS else None


def openai(counts: Any) -> Usage | None:
    """``usage`` of chat, completions and vLLM's generate."""
    return _usage(counts, "prompt_tokens", "completion_tokens", "prompt_tokens_details")


def responses(counts: Any) -> Usage | None:
    """``usage`` of OpenAI's responses."""
    return _usage(counts, "input_tokens", "output_tokens", "input_tokens_details")


def sglang(counts: Any) -> Usage | None:
    """``meta_info`` of SGLang's generate."""
    if not isinstance(counts, dict):
        return None
    prompt, completion = count(counts.get("prompt_tokens")), count(counts.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    return Usage(prompt, completion, count(counts.get("cached_tokens")))


def anthropic(counts: Any) -> Usage | None:
    """``usage`` of Anthropic's messages: what was read from and written to the cache comes on top of ``input_tokens``."""
    if not isinstance(counts, dict):
        return None
    uncached, completion = count(counts.get("input_tokens")), count(counts.get("output_tokens"))
    if uncached is None or completion is None:
        return None
    cached = count(counts.get("cache_read_input_tokens"))
    written = count(counts.get("cache_creation_input_tokens"))
    return Usage(uncached + (cached or 0) + (written or 0), completion, cached)


def of_one_context(usage: Usage | None, asked: Asked | None) -> Usage | None:
    """The mean context of a request with several prompts or answers, which an engine's counts are the sum of.

    A program is one context to the scheduler; the sum would be taken for the size of its next prompt.
    """
    if usage is None or asked is None or (asked.prompts == 1 and asked.answers == 1):
        return usage
    cached = usage.cached_tokens
    return Usage(
        usage.prompt_tokens // asked.prompts,
        usage.completion_tokens // (asked.prompts * asked.answers),
        None if cached is None else cached // asked.prompts,
    )


def _usage(counts: Any, prompt_key: str, completion_key: str, details_key: str) -> Usage | None:
    if not isinstance(counts, dict):
        return None
    prompt, completion = count(counts.get(prompt_key)), count(counts.get(completion_key))
    if prompt is None or completion is None:
        return None
    details = counts.get(details_key)
    return Usage(prompt, completion, count(details.get("cached_tokens")) if isinstance(details, dict) else None)
