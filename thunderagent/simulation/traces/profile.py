"""Our own profile: ``profile.jsonl``, one line per step, as ``adapters.tracking`` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thunderagent.errors import TraceImportError
from thunderagent.simulation.traces.fields import (
    BadRecord,
    Record,
    optional_seconds,
    optional_text,
    optional_tokens,
    tokens,
)
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram, RecordedRequest

EXPECTED = "a profile of thunderagent (profile.jsonl): program_id, step_id, prompt_tokens, completion_tokens, ..."
KNOWN_FIELDS = frozenset(
    [
        "program_id",
        "step_id",
        "prefill_s",
        "decode_s",
        "pause_s",
        "tool_call_s",
        "kv_hit_rate",
        "completed_at",
        "arrived_at",
        "queue_s",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "reprefilled_tokens",
        "backend",
        "group",
        "phase",
        "outcome",
        "tool",
        "schema",
    ]
)
SCHEMA = 1
"""The newest that is understood (``runtime.profile``); lines from before it was written have none."""
CLOCK_S = 0.001
"""Two readings of a wall clock may be so far off; a turn that seems to begin earlier ran beside the one before."""


@dataclass(frozen=True, slots=True)
class _Step:
    program_id: str
    step_id: int
    group: str
    completed: bool
    completed_at: float | None
    request: RecordedRequest


def accepts(fields: Mapping[str, Any]) -> bool:
    """Whether a record looks like a step."""
    return {"program_id", "step_id", "prompt_tokens", "completion_tokens"} <= fields.keys()


def read(records: Iterable[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """Programs in order of their first line; an id whose steps begin anew is a new program.

    Raises:
        TraceImportError: they were written by a newer thunderagent.
    """
    programs: list[RecordedProgram] = []
    lasts: dict[str, tuple[RecordedProgram, _Step]] = {}
    for step in log.parsed(records, _step):
        known = lasts.get(step.program_id)
        if known is None or step.step_id <= known[1].step_id:
            program = RecordedProgram(step.program_id, group=step.group)
            programs.append(program)
        else:
            program, before = known
            _follow(program, before, step, log)
        lasts[step.program_id] = program, step
        if step.completed:
            program.requests.append(step.request)
        else:
            log.count("1 step did not complete and is left out", "{} steps did not complete and are left out")
    _share_first_prompts(programs)
    return programs


def _follow(program: RecordedProgram, before: _Step, step: _Step, log: ImportLog) -> None:
    request = step.request
    if request.arrived_s is not None and before.completed_at is not None:
        if request.arrived_s < before.completed_at - CLOCK_S:
            log.count(
                "1 turn ran beside another one of its program; it is replayed after it",
                "{} turns ran beside another one of their program; they are replayed one after the other",
            )
        if request.delay_s is None:
            request.delay_s = max(0.0, request.arrived_s - before.completed_at)
    if not before.completed and program.requests:  # the tool call ended when the failed attempt arrived
        request.delay_s = before.request.delay_s


def _step(record: Record) -> _Step:
    fields = record.fields
    if (optional_tokens(fields, "schema") or SCHEMA) > SCHEMA:
        raise TraceImportError(
            f"{record.where} has schema {fields['schema']} of step profiles, and the newest that is known here is {SCHEMA}: "
            "update thunderagent"
        )
    program_id = optional_text(fields, "program_id")
    if not program_id:
        raise BadRecord("program_id is missing")
    request = RecordedRequest(
        tokens(fields, "prompt_tokens"),
        tokens(fields, "completion_tokens"),
        cached_tokens=optional_tokens(fields, "cached_tokens"),
        arrived_s=optional_seconds(fields, "arrived_at"),
        delay_s=optional_seconds(fields, "tool_call_s"),
        tool=optional_text(fields, "tool"),
    )
    completed = optional_text(fields, "outcome") in ("", "completed") and request.prompt_tokens > 0 and request.output_tokens != 0
    return _Step(
        program_id,
        tokens(fields, "step_id"),
        optional_text(fields, "group"),
        completed,
        optional_seconds(fields, "completed_at"),
        request,
    )


def _share_first_prompts(programs: list[RecordedProgram]) -> None:
    """Samples of a group begin with the same prompt; where recording began later, they have the shortest one in common."""
    shared: dict[str, int] = {}
    for program in programs:
        if program.group and program.requests:
            first = program.requests[0].prompt_tokens
            shared[program.group] = min(first, shared.get(program.group, first))
    for program in programs:
        program.shared_tokens = shared.get(program.group, 0)
