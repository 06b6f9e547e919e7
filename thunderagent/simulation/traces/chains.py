"""Programs found in requests that name no session: the next turn of a program begins with the prompt of the one before."""

from __future__ import annotations

from collections.abc import Sequence

from thunderagent.simulation.traces.recorded import RecordedRequest
from thunderagent.simulation.traces.sharing import Piece, Prefixes


class Chains:
    """Told of all requests, in order of arrival."""

    def __init__(self) -> None:
        self.links = 0
        """Requests that go on from an earlier one."""
        self._prefixes = Prefixes()
        self._seen: set[int] = set()
        self._ends: dict[int, tuple[str, int]] = {}
        """Programs and their contexts, by the start that no other had before: a system prompt alone makes nobody's end."""

    def continued(self, new_name: str, request: RecordedRequest, prompt: Sequence[Piece]) -> str:
        """The program that a request goes on from, which is the longest that it begins with; else a new one."""
        path = self._prefixes.path(prompt)
        name, end = new_name, 0
        for number in reversed(path):
            known = self._ends.get(number)
            if known is not None and request.prompt_tokens >= known[1]:  # the answer is in it, too
                name, end = known[0], number
                del self._ends[number]
                self.links += 1
                break
        if path and (path[-1] == end or path[-1] not in self._seen):
            self._ends[path[-1]] = name, request.prompt_tokens + (request.output_tokens or 0)
        self._seen.update(path)
        return name
