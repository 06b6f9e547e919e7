"""Running instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ActionFailed, NotAllowed
from .history import History

if TYPE_CHECKING:
    from .definition import Transition, Workflow


class Instance:
    """One run of a workflow."""

    def __init__(self, workflow: Workflow, context: dict[str, Any]):
        self.workflow = workflow
        self.context = context
        self.state = workflow.initial
        self.history = History()
        self._firing = False

    @property
    def finished(self) -> bool:
        return self.workflow.states[self.state].final

    def available(self) -> list[str]:
        """Events that can be fired now, in the order of their definition."""
        events = [t.event for t in self.workflow.transitions if t.source == self.state]
        return [event for event in dict.fromkeys(events) if self.can_fire(event)]

    def can_fire(self, event: str) -> bool:
        return self._find(event) is not None

    def fire(self, event: str) -> None:
        """Take the transition for ``event``: completely or not at all."""
        if self._firing:
            raise NotAllowed(event, self.state, "another transition is running")
        transition = self._find(event)
        if transition is None:
            raise NotAllowed(event, self.state)
        before = (self.state, self.context)
        self._firing = True
        try:
            self._run(transition)
        except ActionFailed:
            self.state, self.context = before
            raise
        finally:
            self._firing = False
        self.history.add(event, transition.source, transition.target)

    def _find(self, event: str) -> Transition | None:
        for transition in self.workflow.transitions:
            if transition.event == event and transition.source == self.state:
                if transition.guard is None or transition.guard(self.context):
                    return transition
        return None

    def _run(self, transition: Transition) -> None:
        """Call the functions of ``transition`` and change the state in between."""
        states = self.workflow.states
        self._call("on_exit", states[transition.source].on_exit, transition.event)
        self._call("action", transition.action, transition.event)
        self.state = transition.target
        self._call("on_enter", states[transition.target].on_enter, transition.event)

    def _call(self, step, function, event: str) -> None:
        if function is None:
            return
        try:
            function(self.context)
        except Exception as error:
            raise ActionFailed(event, step) from error
