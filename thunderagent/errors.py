"""Every error that thunderagent raises, by the boundary at which it arises.

    ThunderAgentError
    ├── ConfigError              the user's configuration: names the key, the value and what is allowed
    ├── StudyError               a file of a simulation study cannot be used: says what is wrong with it and what to do
    ├── ProfileError             a profile that the user wants a report of cannot be used: says which, and what was expected
    ├── TraceImportError         a file that the user gave to be replayed is none; says what was expected
    ├── TrackingError            W&B cannot be told what the user has asked for: says why and what else can be done
    ├── ContractError            a caller of the core broke its contract (a bug in that caller)
    │   ├── IllegalTransition    a program was asked for a step that its state does not have
    │   ├── IllegalSandboxStep   the same of a sandbox
    │   ├── IllegalEvent         an event does not fit the state of its turn; nothing was changed
    │   └── TraceError           a recorded trace cannot be read; names the line
    ├── TurnError                one turn could not run; the program may go on with another turn
    │   ├── TurnRefused          the scheduler refused it (too large, no backend); carries ``retry_after_s``
    │   └── BackendLost          its backend died or left while it ran
    ├── SandboxError             one sandbox of one program; the program may go on
    │   ├── SandboxRefused       there will be none; carries ``retry_after_s``
    │   ├── SandboxGone          it is not there (any more), or not this program's
    │   └── SandboxProblem       what makes or runs sandboxes failed; ``permanent``: trying again cannot help
    ├── EngineProblem            an engine does not answer, or not as it should; the message names what was asked and what came
    ├── GatewayProblem           the same of a gateway that is watched
    ├── LinkError                a gateway cannot reach its scheduler, or they do not understand each other
    ├── StoreError               what a scheduler remembers cannot be read, or is not its own: says which file, and what to do
    ├── RequestInterrupted       a request to the gateway whose rollout is over: it is answered as aborted
    └── RequestProblem           a request to the gateway that no engine answers; carries its HTTP status and a reason

To add one: subclass the boundary it belongs to, add it to the tree, and say in its docstring who is to act on it.
"""

from __future__ import annotations


class ThunderAgentError(Exception):
    """Base of all errors of this package."""


class ConfigError(ThunderAgentError):
    """A configuration value is not usable. The message is one line: key, value, what is allowed. Exit status 2."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key}={value}: {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """It may come from another process."""
        return type(self), (self.key, self.value, self.allowed)


class StudyError(ThunderAgentError):
    """A file that a simulation study was given cannot be used. The message is for the user. Exit status 2."""


class ProfileError(ThunderAgentError):
    """No report can be made of a recorded profile. The message is for the user. Exit status 2."""


class TraceImportError(ThunderAgentError):
    """No program can be made of a recorded trace. The message is for the user: what was found, what was expected."""


class TrackingError(ThunderAgentError):
    """W&B did not take a dashboard. The message is for the user. Exit status 2."""


class ContractError(ThunderAgentError):
    """A caller of the core did what it must not."""


class IllegalEvent(ContractError):
    """An event does not fit the state of its turn. It was rejected before anything changed."""

    def __init__(self, event: str, turn_id: int, state: str, wanted: str) -> None:
        super().__init__(f"{event}: turn {turn_id} is {state}, it must be {wanted}")
        self.event = event
        self.turn_id = turn_id
        self.state = state
        self.wanted = wanted


class TraceError(ContractError):
    """A line of a recorded trace is broken."""

    def __init__(self, line: str, problem: str) -> None:
        super().__init__(f"trace line {line[:80]!r}: {problem}")
        self.line = line
        self.problem = problem


class IllegalTransition(ContractError):
    """A program cannot take this step from the state that it is in."""

    def __init__(self, program_id: str, state: str, step: str) -> None:
        super().__init__(f"program {program_id!r} in state {state} has no step {step}")
        self.program_id = program_id
        self.state = state
        self.step = step


class IllegalSandboxStep(ContractError):
    """A sandbox cannot take this step from the state that it is in."""

    def __init__(self, sandbox_id: str, state: str, step: str) -> None:
        super().__init__(f"sandbox {sandbox_id!r} in state {state} has no step {step}")
        self.sandbox_id = sandbox_id
        self.state = state
        self.step = step


class EngineProblem(ThunderAgentError):
    """An engine does not answer, or not as it should. The message is for whoever runs it. ``dead``: it did not answer at all."""

    def __init__(self, message: str, *, dead: bool = False) -> None:
        super().__init__(message)
        self.dead = dead


class GatewayProblem(ThunderAgentError):
    """A gateway that is watched does not answer, or not as it should. The message is for whoever watches. Exit status 2."""


class LinkError(ThunderAgentError):
    """A gateway cannot reach its scheduler, or they do not understand each other. It goes on without, and tries again."""


class StoreError(ThunderAgentError):
    """A store cannot be used. The message is for the user: which file, what is wrong, what to do. Exit status 2."""


class TurnError(ThunderAgentError):
    """A turn could not be run."""


class TurnRefused(TurnError):
    """The scheduler will not run this turn; retry after ``retry_after_s`` seconds if it is not None."""

    def __init__(self, program_id: str, cause: str, reason: str, retry_after_s: float | None = None) -> None:
        """``cause`` is for machines: one of ``core.RefuseCause``, ``queue_full`` or ``wait_timeout``; ``reason`` for people."""
        super().__init__(f"turn of program {program_id!r} refused: {reason}")
        self.program_id = program_id
        self.cause = cause
        self.reason = reason
        self.retry_after_s = retry_after_s


class BackendLost(TurnError):
    """The backend of a running turn died or left; its KV cache is gone, the turn may be sent again elsewhere."""

    def __init__(self, program_id: str, backend_id: str) -> None:
        super().__init__(f"backend {backend_id!r} was lost during a turn of program {program_id!r}")
        self.program_id = program_id
        self.backend_id = backend_id


class SandboxError(ThunderAgentError):
    """A sandbox cannot be had or used. The message is for whoever wrote the program."""


class SandboxRefused(SandboxError):
    """A program does not get the sandbox that it asked for; it may ask again after ``retry_after_s`` if that is not None."""

    def __init__(self, program_id: str, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"no sandbox for program {program_id!r}: {reason}")
        self.program_id = program_id
        self.reason = reason
        self.retry_after_s = retry_after_s


class SandboxGone(SandboxError):
    """There is no such sandbox (any more), or it is another program's: the message names it."""


class SandboxProblem(SandboxError):
    """A container engine or its like failed. ``permanent``: trying again cannot help, as with an unknown image."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class RequestInterrupted(ThunderAgentError):
    """A request is not run any more, as its rollout is over. It never leaves the gateway."""


class RequestProblem(ThunderAgentError):
    """A request to the gateway that is not answered by an engine. Sent to the client in the shape that its SDK expects."""

    def __init__(
        self, status: int, reason: str, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        """``reason`` is for machines (``queue_full``), ``message`` for people, ``param`` names the field at fault."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.param = param
        self.retry_after_s = retry_after_s
