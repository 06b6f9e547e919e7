"""What all formats have in common: programs, and their requests as they were recorded, whole prompts and all."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.core.estimation import CHARACTERS_PER_TOKEN
from thunderagent.simulation.catalogue import SWE
from thunderagent.simulation.distributions import LogNormal

CODING_TOOL_S = LogNormal(1.5, 60.0)
"""Of the tools of ``catalogue.SWE`` together."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is taken where a trace does not tell."""

    tool_s: LogNormal = CODING_TOOL_S
    """Seconds of a tool call."""
    output_tokens: LogNormal = SWE.output
    """Tokens of an answer."""
    token_s: float = 0.02
    """Seconds that an engine took for one token of an answer, to tell tool calls from answers where only arrivals are known."""
    block_tokens: int | None = None
    """Tokens in one block of ``hash_ids``. None: the power of two that fits the trace (512 in those that Mooncake published)."""
    characters_per_token: float = CHARACTERS_PER_TOKEN
    """Of text whose tokens are not counted."""


@dataclass(slots=True)
class RecordedRequest:
    """One LLM request of a program."""

    prompt_tokens: int
    """Of the whole prompt; with ``adds``, of what is new in it."""
    output_tokens: int | None
    """None: the trace does not tell."""
    adds: bool = False
    """The prompt is all that was before, the last answer included, and then these tokens."""
    kept_tokens: int | None = None
    """From the start of the prompt before, where the trace tells that less than all of it comes again. None: it does not."""
    cached_tokens: int | None = None
    """What the engine found in its cache; None: not told."""
    arrived_s: float | None = None
    """On any clock, the same for all programs; None: not told."""
    delay_s: float | None = None
    """From the end of the request before to the arrival of this one; None: not told."""
    tool: str = ""
    """Called by the answer; empty: not told."""


@dataclass(slots=True)
class RecordedProgram:
    """One program, its requests in order."""

    program_id: str
    requests: list[RecordedRequest] = field(default_factory=list)
    group: str = ""
    shared_tokens: int = 0
    """Of the first prompt, the same in all programs of the group."""
