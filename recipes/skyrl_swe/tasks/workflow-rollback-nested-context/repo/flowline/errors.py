"""All exceptions of the package."""


class WorkflowError(Exception):
    """Base class, for applications that treat all errors alike."""


class DefinitionError(WorkflowError):
    """A workflow that makes no sense, such as a transition to an unknown state."""


class NotAllowed(WorkflowError):
    """No transition for this event in the present state.

    Nothing was called except guards.
    """

    def __init__(self, event: str, state: str, reason: str = "no transition"):
        super().__init__(f"cannot fire {event!r} in state {state!r}: {reason}")
        self.event = event
        self.state = state


class ActionFailed(WorkflowError):
    """An action raised; the cause is the original exception.

    ``step`` is "on_exit", "action" or "on_enter".
    """

    def __init__(self, event: str, step: str):
        super().__init__(f"{step} failed during {event!r}")
        self.event = event
        self.step = step
