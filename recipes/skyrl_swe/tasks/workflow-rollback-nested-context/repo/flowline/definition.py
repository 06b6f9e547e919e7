"""Definitions of workflows. They are shared by all instances and never change after the start."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Callable

from .errors import DefinitionError
from .instance import Instance

Context = dict[str, Any]
Action = Callable[[Context], None]
Guard = Callable[[Context], bool]


@dataclass(frozen=True)
class State:
    name: str
    on_enter: Action | None = None
    on_exit: Action | None = None
    final: bool = False


@dataclass(frozen=True)
class Transition:
    event: str
    source: str
    target: str
    guard: Guard | None = None
    action: Action | None = None


class Workflow:
    """States and transitions, defined by chained calls."""

    def __init__(self, name: str, initial: str, defaults: Context | None = None):
        self.name = name
        self.initial = initial
        self.defaults = defaults or {}
        self.states: dict[str, State] = {}
        self.transitions: list[Transition] = []

    def state(self, name: str, **options: Any) -> Workflow:
        if name in self.states:
            raise DefinitionError(f"state {name!r} is defined twice")
        self.states[name] = State(name, **options)
        return self

    def transition(self, event: str, source: str, target: str, **options: Any) -> Workflow:
        for name in (source, target):
            if name not in self.states:
                raise DefinitionError(f"unknown state {name!r} in transition {event!r}")
        if self.states[source].final:
            raise DefinitionError(f"state {source!r} is final")
        self.transitions.append(Transition(event, source, target, **options))
        return self

    def start(self, context: Context | None = None) -> Instance:
        """A new instance in the initial state."""
        if self.initial not in self.states:
            raise DefinitionError(f"unknown initial state {self.initial!r}")
        return Instance(self, {**copy.deepcopy(self.defaults), **(context or {})})
