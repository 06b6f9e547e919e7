"""One turn, from its arrival to its end."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.program import Program


@dataclass(slots=True, eq=False)
class Turn:
    """What the scheduler remembers of a turn while it waits or runs."""

    id: int
    program: Program
    prompt_tokens: int
    """Given, or estimated."""
    prompt_characters: int
    prompt_images: int
    arrived_s: float
    admitted_s: float | None = None
    """None while it waits."""
    first_token_s: float | None = None
    adopted: bool = False
    """It ran before it was known: nothing is learned from how long it took."""
    epoch: int = 0
    """The backend's epoch at admission."""
    expected_cached_tokens: int = 0
    """Prompt tokens that must be in the prefix cache because the program's KV was held; 0: no such promise."""
    told_cached_tokens: int | None = None
    """KV of the program that was there at admission, as the engine told; None: it did not tell."""
