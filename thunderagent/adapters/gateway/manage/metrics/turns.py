"""Histograms of turns, from their profiles."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.manage.metrics.family import histogram
from thunderagent.adapters.gateway.manage.metrics.histogram import Histogram
from thunderagent.runtime import StepProfile

WAIT = histogram("turn_wait_seconds", "How long turns were held back by the scheduler before they were sent to an engine.")
FIRST_TOKEN = histogram(
    "time_to_first_token_seconds", "From the arrival of completed turns to their first token, waits included; streams only."
)
WHOLE = histogram("turn_seconds", "From the arrival of completed turns to the end of their answers.")
TOOL_CALL = histogram("tool_call_seconds", "From the end of a program's turn to the arrival of its next one.")
PROMPT = histogram("turn_prompt_tokens", "Tokens in the prompts of completed turns.")
FAMILIES = (WAIT, FIRST_TOKEN, WHOLE, TOOL_CALL, PROMPT)

WAIT_S = (0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0)
"""From a turn that went on at once, its cache having been held, to the longest wait that is allowed (``max_wait_s``)."""
FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0)
"""From the prefill of a few new tokens behind a cached prompt to the longest wait."""
WHOLE_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
"""From an answer of a few tokens to the time limit of requests (``timeout_s``)."""
TOOL_CALL_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0)
"""From a look-up in memory to a test suite or a person; narrow around seconds, where holding a KV cache ceases to pay."""
PROMPT_TOKENS = tuple(float(256 << doublings) for doublings in range(13))
"""From 256 to a million: contexts grow by factors, and so does what they cost."""


class TurnHistograms(Collector):
    """Of all turns that were admitted and have ended."""

    def __init__(self) -> None:
        self._wait = Histogram(WAIT, WAIT_S)
        self._first_token = Histogram(FIRST_TOKEN, FIRST_TOKEN_S)
        self._whole = Histogram(WHOLE, WHOLE_S)
        self._tool_call = Histogram(TOOL_CALL, TOOL_CALL_S)
        self._prompt = Histogram(PROMPT, PROMPT_TOKENS)

    def put(self, step: StepProfile) -> None:
        """One more. O(1)."""
        self._wait.put(step.pause_s)
        if step.step_id > 1:  # before the first, no tool was called
            self._tool_call.put(step.tool_call_s)
        if step.outcome != "completed":
            return
        self._whole.put(step.completed_at - step.arrived_at)
        self._prompt.put(step.prompt_tokens)
        if step.prefill_s is not None:
            self._first_token.put(step.pause_s + (step.queue_s or 0.0) + step.prefill_s)

    def collect(self) -> Iterator[Metric]:
        for one in (self._wait, self._first_token, self._whole, self._tool_call, self._prompt):
            yield one.metric()
