"""Token counts of prompts whose text alone is known: what is new since the last exact count is estimated, nothing else."""

from __future__ import annotations

from thunderagent.core.events import TurnArrived
from thunderagent.core.program import Program
from thunderagent.core.turn import Turn
from thunderagent.core.usage import Usage

CHARACTERS_PER_TOKEN = 4.0
"""Where the global ratio starts: English prose and code under the vocabularies of current models."""
PRIOR_TOKENS = 500
"""Weight of the global ratio against a program's own text: about as much text as a system prompt."""
LEARNING_RATE = 0.02
"""Share of one prompt in the global ratio: some fifty prompts shape it."""
IMAGE_TOKENS = 1_000
"""Of one new image: current vision models make 256 to about 1,600 of a screenshot; the next usage corrects it."""


class TokenEstimator:
    """Learns characters per token from usage, over all programs and of each."""

    def __init__(self) -> None:
        self.characters_per_token = CHARACTERS_PER_TOKEN
        """Over all programs."""

    def prompt_tokens(self, event: TurnArrived, program: Program | None) -> int:
        """Tokens of a turn's context: as given, else the last exact prompt plus an estimate of the text that is new."""
        if event.prompt_tokens is not None:
            return event.prompt_tokens
        characters, images, known_tokens = event.prompt_characters, event.prompt_images, 0
        if program is not None and program.exact_prompt_tokens and characters >= program.prompt_characters:
            characters -= program.prompt_characters
            images = max(0, images - program.prompt_images)
            known_tokens = program.exact_prompt_tokens
        return known_tokens + round(characters / self.ratio(program)) + images * IMAGE_TOKENS

    def prefix_tokens(self, event: TurnArrived) -> int:
        """Tokens of the start that a program shares: as given, else estimated."""
        return event.prefix_tokens or round(event.prefix_characters / self.characters_per_token)

    def ratio(self, program: Program | None) -> float:
        """Characters per token of a program's text: its own, drawn towards that of all."""
        if program is None or not program.prompt_characters or program.prompt_images:
            return self.characters_per_token
        prior_characters = PRIOR_TOKENS * self.characters_per_token
        return (prior_characters + program.prompt_characters) / (PRIOR_TOKENS + program.exact_prompt_tokens)

    def learn(self, turn: Turn, usage: Usage) -> None:
        """Take in the exact count of a prompt."""
        program = turn.program
        program.exact_prompt_tokens = usage.prompt_tokens
        program.prompt_characters = turn.prompt_characters
        program.prompt_images = turn.prompt_images
        if turn.prompt_characters and usage.prompt_tokens and not turn.prompt_images:
            seen = turn.prompt_characters / usage.prompt_tokens
            self.characters_per_token += LEARNING_RATE * (seen - self.characters_per_token)
