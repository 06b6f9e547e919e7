"""State machines for business workflows."""

from .definition import State, Transition, Workflow
from .errors import ActionFailed, DefinitionError, NotAllowed, WorkflowError
from .history import Entry, History
from .instance import Instance

__all__ = [
    "ActionFailed", "DefinitionError", "Entry", "History", "Instance",
    "NotAllowed", "State", "Transition", "Workflow", "WorkflowError",
]
