"""From the lines of a file to the programs in it, whatever known format it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thunderagent.errors import TraceImportError
from thunderagent.simulation.script import Script
from thunderagent.simulation.traces import bailian, messages, mooncake, multi_turn, profile
from thunderagent.simulation.traces.fields import Record
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram
from thunderagent.simulation.traces.records import read_records
from thunderagent.simulation.traces.scripts import ScriptWriter

DETECTION_RECORDS = 20
"""Records that tell the format; the one that accepts most of them is it."""


@dataclass(frozen=True, slots=True)
class Format:
    """One that can be read."""

    expected: str
    """For the user: what is in its lines."""
    known_fields: frozenset[str]
    accepts: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Sequence[Record], ImportOptions, ImportLog], list[RecordedProgram]]


FORMATS = {
    "profile": Format(profile.EXPECTED, profile.KNOWN_FIELDS, profile.accepts, profile.read),
    "bailian": Format(bailian.EXPECTED, bailian.KNOWN_FIELDS, bailian.accepts, bailian.read),
    "mooncake": Format(mooncake.EXPECTED, mooncake.KNOWN_FIELDS, mooncake.accepts, mooncake.read),
    "mooncake-delta": Format(mooncake.DELTA_EXPECTED, mooncake.KNOWN_FIELDS, mooncake.accepts, mooncake.read_delta),
    "multi-turn": Format(multi_turn.EXPECTED, multi_turn.KNOWN_FIELDS, multi_turn.accepts, multi_turn.read),
    "messages": Format(messages.EXPECTED, messages.KNOWN_FIELDS, messages.accepts, messages.read),
}
"""By name. Where a record fits several, the first of them is meant."""
DEFAULT_OPTIONS = ImportOptions()


@dataclass(frozen=True, slots=True)
class ImportedTrace:
    """What a trace holds, ready to be replayed: at the recorded times, or a given number of programs at once."""

    format: str
    scripts: tuple[Script, ...]
    """In order of first arrival; their program ids are unique."""
    arrivals_s: tuple[float, ...]
    """When each program arrived, since the first one; all 0 if the trace does not tell."""
    has_arrivals: bool
    lines: int
    empty_lines: int
    broken_lines: int
    dropped_programs: int
    """Without a usable turn."""
    notes: tuple[str, ...]
    """What was left out and what was assumed, one sentence each."""

    @property
    def turns(self) -> int:
        """Of all programs."""
        return sum(len(script.turns) for script in self.scripts)


def read_trace(lines: Iterable[str], format: str | None = None, options: ImportOptions = DEFAULT_OPTIONS) -> ImportedTrace:
    """Make scripts of a recorded trace.

    Args:
        lines: of the file, with or without their ends.
        format: one of ``FORMATS``; None: the first records tell.
        options: what to take where the trace does not tell.

    Raises:
        TraceImportError: the format is unknown, or there is nothing in the lines that can be replayed.
    """
    if format is not None and format not in FORMATS:
        raise TraceImportError(f"format {format!r} is not known; it must be one of {', '.join(FORMATS)}")
    log = ImportLog()
    records = read_records(lines, log)
    name = format or _detected(records)
    if name is None:
        raise TraceImportError(_nothing(log, "no line has a known format"))
    log.ignored_fields(records, FORMATS[name].known_fields)
    recorded = FORMATS[name].read(records, options, log)
    programs = [program for program in recorded if program.requests]
    if not programs:
        raise TraceImportError(_nothing(log, f"no program of format {name} has a turn that can be replayed", name))
    for _ in range(len(recorded) - len(programs)):
        log.count("1 program has no usable turn and is left out", "{} programs have no usable turn and are left out")
    arrivals_s, ids, writer = _arrivals_s(programs, log), _unique_ids(programs), ScriptWriter(options, log)
    made = [
        (arrived_s, writer.write(program, program_id, f"trace/{index}"))
        for index, (program, program_id, arrived_s) in enumerate(zip(programs, ids, arrivals_s, strict=True))
    ]
    made.sort(key=lambda pair: pair[0])
    return ImportedTrace(
        format=name,
        scripts=tuple(script for _, script in made),
        arrivals_s=tuple(arrived_s for arrived_s, _ in made),
        has_arrivals=_has_arrivals(programs),
        lines=log.lines,
        empty_lines=log.empty_lines,
        broken_lines=log.broken_lines,
        dropped_programs=len(recorded) - len(programs),
        notes=log.notes(),
    )


def _detected(records: Sequence[Record]) -> str | None:
    head = records[:DETECTION_RECORDS]
    accepted = {name: sum(known.accepts(record.fields) for record in head) for name, known in FORMATS.items()}
    best = max(accepted, key=lambda name: accepted[name])
    return best if accepted[best] else None


def _nothing(log: ImportLog, problem: str, name: str | None = None) -> str:
    read = f"{log.lines} lines were read" + (f" ({log.reasons()})" if log.broken_lines else "")
    known = FORMATS if name is None else {name: FORMATS[name]}
    expected = "; ".join(f"{name}: {known.expected}" for name, known in known.items())
    return f"{problem}; {read}. Expected is {'one of ' if len(known) > 1 else ''}{expected}"


def _has_arrivals(programs: Sequence[RecordedProgram]) -> bool:
    return all(program.requests[0].arrived_s is not None for program in programs)


def _arrivals_s(programs: Sequence[RecordedProgram], log: ImportLog) -> list[float]:
    if not _has_arrivals(programs):
        log.count("the trace does not tell when programs arrived: it can only be replayed with a number of programs at once")
        return [0.0] * len(programs)
    arrivals_s = [program.requests[0].arrived_s or 0.0 for program in programs]
    return [arrived_s - min(arrivals_s) for arrived_s in arrivals_s]


def _unique_ids(programs: Sequence[RecordedProgram]) -> list[str]:
    """The scheduler knows programs by their ids: one that comes again gets a number that is free."""
    ids: dict[str, None] = {}
    times: Counter[str] = Counter()
    taken = {program.program_id for program in programs}
    for program in programs:
        unique = program.program_id
        while unique in ids or (unique in taken and unique != program.program_id):
            times[program.program_id] += 1
            unique = f"{program.program_id}#{times[program.program_id] + 1}"
        ids[unique] = None
    return list(ids)
