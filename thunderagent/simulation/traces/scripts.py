"""Recorded programs into scripts: what each turn adds, what it keeps, and how long the tool call after it takes."""

from __future__ import annotations

from itertools import zip_longest
from random import Random

from thunderagent.simulation.script import Script, ScriptedTurn
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram, RecordedRequest

UNNAMED_TOOL = "tool"
"""A call whose tool the trace does not name: one name for all, so their times are learnt together."""
PARTS = (
    "1 turn begins with only a part of the context before it (cut, compacted, or an answer without its reasoning)",
    "{} turns begin with only a part of the context before them (cut, compacted, or answers without their reasoning)",
)


class ScriptWriter:
    """Writes the script of one program after the other."""

    def __init__(self, options: ImportOptions, log: ImportLog) -> None:
        self._options, self._log = options, log

    def write(self, program: RecordedProgram, program_id: str, seed: str) -> Script:
        """The program as it is replayed; it has at least one request. What is drawn depends on the seed alone."""
        random = Random(seed)
        turns: list[ScriptedTurn] = []
        context_tokens = before_tokens = 0
        for request, following in zip_longest(program.requests, program.requests[1:]):
            output_tokens = max(1, self._output_tokens(request, random))
            prompt_tokens = max(1, request.prompt_tokens + (context_tokens if request.adds else 0))
            kept_tokens = None
            if turns and (request.kept_tokens is not None or prompt_tokens < context_tokens):
                most_tokens = min(prompt_tokens, context_tokens)
                kept_tokens = min(most_tokens, _kept_tokens(request, prompt_tokens, before_tokens, turns[0].new_tokens))
                self._log.count(*PARTS)
            new_tokens = prompt_tokens - (context_tokens if kept_tokens is None else kept_tokens)
            tool_s = self._tool_s(request, output_tokens, following, random) if following else 0.0
            tool = request.tool or UNNAMED_TOOL if following else ""
            turns.append(ScriptedTurn(new_tokens, output_tokens, tool, tool_s, kept_tokens))
            context_tokens, before_tokens = prompt_tokens + output_tokens, prompt_tokens
        return Script(program_id, tuple(turns), program.group, min(program.shared_tokens, turns[0].new_tokens))

    def _output_tokens(self, request: RecordedRequest, random: Random) -> int:
        if request.output_tokens is not None:
            return request.output_tokens
        drawn = self._options.output_tokens
        self._log.count(
            "the length of 1 answer is not in the trace and drawn",
            f"the lengths of {{}} answers are not in the trace and drawn: median {drawn.median:g} tokens, "
            f"99th percentile {drawn.p99:g}",
        )
        return drawn.count(random)

    def _tool_s(self, request: RecordedRequest, output_tokens: int, following: RecordedRequest, random: Random) -> float:
        if following.delay_s is not None:
            return following.delay_s
        if following.arrived_s is not None and request.arrived_s is not None:
            token_s = self._options.token_s
            self._log.count(
                f"1 tool time is the time between two arrivals less {token_s:g} s per token of the answer",
                f"{{}} tool times are the times between arrivals less {token_s:g} s per token of the answers",
            )
            return max(0.0, following.arrived_s - request.arrived_s - output_tokens * token_s)
        drawn = self._options.tool_s
        self._log.count(
            "1 tool time is not in the trace and drawn",
            f"{{}} tool times are not in the trace and drawn: median {drawn.median:g} s, 99th percentile {drawn.p99:g} s",
        )
        return drawn.draw(random)


def _kept_tokens(request: RecordedRequest, prompt_tokens: int, before_tokens: int, first_tokens: int) -> int:
    """Of a context that does not come again as a whole; ``before_tokens`` and ``first_tokens`` are of earlier prompts."""
    if request.kept_tokens is not None:
        return request.kept_tokens
    cached_tokens = request.cached_tokens or 0
    if prompt_tokens >= before_tokens:  # the answer came back shorter
        return max(before_tokens, cached_tokens)
    return cached_tokens or first_tokens  # compaction keeps system prompt and task
