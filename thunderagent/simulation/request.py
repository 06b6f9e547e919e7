"""The engine's state of one request."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.simulation.events import RequestRecord
from thunderagent.simulation.spans import Holding


@dataclass(slots=True, eq=False)
class Request:
    """One request from submission to its last token. The output is scripted; the engine only decides when it comes."""

    request_id: str
    prompt_tokens: int
    total_tokens: int
    """Of the prompt and the scripted output."""
    submitted_s: float
    number: int
    """Grows with arrival."""
    priority: int = 0
    """Lower is more urgent."""
    tokens: tuple[int, ...] = ()
    """The prompt, then the scripted output; empty if the request came with its whole hash chain."""
    root: int = 0
    """Start of the hash chain (the salt)."""
    hashes: list[int] = field(default_factory=list)
    """Hash chain of the full blocks, at least of the prompt's."""
    holding: Holding | None = None
    """Its KV blocks; None: it does not run."""
    known_tokens: int = 0
    """Prompt and generated tokens."""
    computed_tokens: int = 0
    """Tokens whose KV it holds."""
    prefill_until_tokens: int = 0
    """Tokens known at the latest admission: what is computed below this is prefill, beyond it decode."""
    cached_tokens: int = 0
    host_cached_tokens: int = 0
    admitted_s: float | None = None
    first_token_s: float | None = None
    preemptions: int = 0

    @property
    def completion_tokens(self) -> int:
        """Tokens generated so far."""
        return self.known_tokens - self.prompt_tokens

    def record(self, finished_s: float) -> RequestRecord:
        """The summary of a request whose last token came at `finished_s`."""
        assert self.admitted_s is not None and self.first_token_s is not None
        return RequestRecord(
            request_id=self.request_id,
            # A driver that catches up with the wall clock may run a step "before" the submission it already holds.
            queued_s=max(0.0, self.admitted_s - self.submitted_s),
            prefill_s=self.first_token_s - self.admitted_s,
            decode_s=finished_s - self.first_token_s,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            preemptions=self.preemptions,
            host_cached_tokens=self.host_cached_tokens,
        )
