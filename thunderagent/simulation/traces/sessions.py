"""Requests that say to which session they belong, put together to programs."""

from __future__ import annotations

from collections.abc import Sequence

from thunderagent.simulation.traces.recorded import RecordedProgram, RecordedRequest
from thunderagent.simulation.traces.sharing import Piece, group_by_start, kept_tokens


class Sessions:
    """Programs in order of their first request."""

    def __init__(self) -> None:
        self._programs: dict[str, RecordedProgram] = {}
        self._starts: dict[str, Sequence[Piece]] = {}
        self._prompts: dict[str, Sequence[Piece]] = {}

    def add(self, session_id: str, request: RecordedRequest, prompt: Sequence[Piece]) -> None:
        """The next request of a session; ``prompt`` is what is known of its content."""
        program = self._programs.setdefault(session_id, RecordedProgram(session_id))
        if not program.requests:
            self._starts[session_id] = prompt
        elif not request.adds:
            request.kept_tokens = kept_tokens(self._prompts[session_id], prompt)
        self._prompts[session_id] = prompt
        program.requests.append(request)

    def programs(self) -> list[RecordedProgram]:
        """All of them, grouped by what their first prompts have in common."""
        programs = list(self._programs.values())
        group_by_start(programs, [self._starts[program.program_id] for program in programs])
        return programs
