"""Starts of contexts that programs share: a system prompt, and below it the first prompt of an RL group.

The engine stores a shared start once (hash-based prefix caching), so it is counted once per backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thunderagent.core.events import ProgramRecovered, TurnArrived
    from thunderagent.core.program import Program


ESTIMATES_DIFFER = 1.5
"""Two estimates of one text do not, by more than this: characters per token, learned meanwhile, are mostly 3 to 4.5."""


@dataclass(slots=True, eq=False)
class Prefix:
    """One shared start; those below it begin with all of it."""

    name: str
    tokens: int
    """From the start of the context."""
    parent: Prefix | None = None
    users: int = 0
    """Living programs and groups that name it, directly or through a prefix below it."""
    home_id: str | None = None
    """The backend that a program was last placed on whose longest shared start this is."""

    @property
    def own_tokens(self) -> int:
        """Tokens beyond the parent's."""
        return self.tokens if self.parent is None else self.tokens - self.parent.tokens


@dataclass(slots=True, eq=False)
class Group:
    """An RL prompt group while any of its programs lives."""

    name: str
    prompt: Prefix
    members: dict[int, Program] = field(default_factory=dict)
    """Living programs by birth."""
    finished: int = 0
    """Members that were released."""


class Prefixes:
    """The prefixes and groups of all living programs."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self._common: dict[str, Prefix] = {}

    def enter(self, program: Program, event: TurnArrived, prompt_tokens: int, prefix_tokens: int) -> None:
        """Attach a new program to what it shares; a start that is longer than its prompt cannot be shared by it."""
        prefix = common = self._common_prefix(event.prefix, prefix_tokens)
        if event.group:
            program.group = group = self.groups.get(event.group) or self._new_group(event.group, prompt_tokens, common)
            group.members[program.birth] = program
            prefix = group.prompt
        limit_tokens = prompt_tokens if event.prompt_tokens is not None else ESTIMATES_DIFFER * prompt_tokens
        while prefix is not None and prefix.tokens > limit_tokens:
            prefix = prefix.parent
        self._attach(program, prefix, common)

    def _attach(self, program: Program, prefix: Prefix | None, common: Prefix | None) -> None:
        program.prefix = prefix
        program.shared_tokens = 0 if prefix is None else prefix.tokens
        self._hold(prefix)
        if common is not None and not common.users:
            del self._common[common.name]

    def enter_again(self, program: Program, event: ProgramRecovered) -> None:
        """Attach a recovered program to what it shared; where that has become longer meanwhile, it shares less."""
        common = self._common_prefix(event.prefix, event.prefix_tokens)
        prefix = common
        if event.group:
            program.group = group = self.groups.get(event.group) or self._new_group(event.group, event.group_tokens, common)
            group.members[program.birth] = program
            prefix = group.prompt
        while prefix is not None and prefix.tokens > program.shared_tokens:
            prefix = prefix.parent
        self._attach(program, prefix, common)

    def leave(self, program: Program) -> None:
        """A program is over; what nobody shares any more is forgotten."""
        self._drop(program.prefix)
        group = program.group
        if group is not None:
            del group.members[program.birth]
            if not group.members:
                del self.groups[group.name]
                self._drop(group.prompt)

    @staticmethod
    def _hold(prefix: Prefix | None) -> None:
        while prefix is not None:
            prefix.users += 1
            prefix = prefix.parent

    def _drop(self, prefix: Prefix | None) -> None:
        while prefix is not None:
            prefix.users -= 1
            if not prefix.users and self._common.get(prefix.name) is prefix:
                del self._common[prefix.name]
            prefix = prefix.parent

    def _common_prefix(self, name: str, tokens: int) -> Prefix | None:
        if not name or tokens <= 0:
            return None
        return self._common.setdefault(name, Prefix(name, tokens))

    def _new_group(self, name: str, prompt_tokens: int, common: Prefix | None) -> Group:
        parent = common if common is not None and common.tokens <= prompt_tokens else None
        self.groups[name] = group = Group(name, Prefix(name, prompt_tokens, parent))
        self._hold(group.prompt)
        return group
