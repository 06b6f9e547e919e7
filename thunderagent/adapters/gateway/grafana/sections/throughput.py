"""What is done, and how fast."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import TOKENS_PER_S, lines, number, spread
from thunderagent.adapters.gateway.grafana.promql import mean, now, rate, share

PANELS = (
    number("Programs", "Agent runs that are tracked.", "short", now("programs")),
    number("Waiting turns", "Turns that are held back.", "short", now("waiting_turns")),
    number("Mean wait", "Of turns, held back by the scheduler.", "s", mean("turn_wait_seconds")),
    number(
        "KV hit rate", "Cached prompt tokens / prompt tokens.", "percentunit", share(rate("cached_tokens"), rate("prompt_tokens"))
    ),
    number("Generated", "Tokens of answers.", TOKENS_PER_S, rate("completion_tokens")),
    number("Engines up", "Engines that answer.", "short", now("engine_up")),
    lines("Steps", "Turns that ended.", "suffix:/s", (rate("steps", "outcome"), "{{outcome}}"), stacked=True),
    lines(
        "Tokens",
        "Of completed turns. What is not cached had to be computed.",
        TOKENS_PER_S,
        (rate("prompt_tokens"), "prompt"),
        (rate("cached_tokens"), "of these cached"),
        (rate("completion_tokens"), "generated"),
    ),
    lines(
        "Where the time of steps goes",
        "Seconds of all steps per second: how many are at it on average. Counted when a step ends.",
        "short",
        (rate("step_seconds", "part"), "{{part}}"),
        stacked=True,
    ),
    spread("Turn", "From arrival to the end of the answer.", "s", "turn_seconds"),
    spread("Time to first token", "From arrival, waits included.", "s", "time_to_first_token_seconds"),
    spread("Prompt", "The whole context of a turn.", "suffix: tok", "turn_prompt_tokens"),
)
