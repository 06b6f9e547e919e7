"""What one step of an engine computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.simulation.request import Request


@dataclass(slots=True)
class Batch:
    """Filled while the step is scheduled."""

    budget_tokens: int
    """Tokens that the step may still compute."""
    tokens: dict[Request, int] = field(default_factory=dict)
    """How many are computed of each request, in the order in which they are served."""
    preempted: list[Request] = field(default_factory=list)
    loaded_tokens: int = 0
    """KV that comes from the host tier."""

    def take(self, request: Request) -> int:
        """Compute the next token of a request, or as much of its prefill as the budget allows; how many tokens that is."""
        tokens = min(request.known_tokens - request.computed_tokens, self.budget_tokens)
        request.computed_tokens += tokens
        self.tokens[request] = tokens
        self.budget_tokens -= tokens
        return tokens

    def take_back(self, request: Request) -> None:
        """Leave a request out after all."""
        self.budget_tokens += self.tokens.pop(request, 0)
        self.preempted.append(request)

    def sizes(self) -> tuple[int, int]:
        """Tokens of prefill, and tokens of context that the decoding requests read."""
        prefill_tokens = kv_tokens_read = 0
        for request, tokens in self.tokens.items():
            if request.computed_tokens - tokens < request.prefill_until_tokens:
                prefill_tokens += tokens
            else:
                kv_tokens_read += request.computed_tokens
        return prefill_tokens, kv_tokens_read
