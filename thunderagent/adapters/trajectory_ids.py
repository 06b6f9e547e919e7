"""How an RL framework's names map to ours: a trajectory is a program, a prompt's samples are a group, a batch has a phase."""

from __future__ import annotations

from contextvars import ContextVar

ROLLOUT = "rollout"
"""The phase of batches that name none."""
PHASES = ("train", "eval")
PHASE: ContextVar[str] = ContextVar("thunderagent_phase", default=ROLLOUT)
"""Training phase of the batch that is being generated. Train and eval use the same session ids at the same time."""


def program_id(session_id: str) -> str:
    """SkyRL's ``{instance}_{repetition}``, made unique over phases."""
    return f"{PHASE.get()}/{session_id}"


def session_of(program_id: str) -> str:
    """The session that engines are told: train and eval may give the same one to two programs."""
    return program_id.partition("/")[2]


def phase_of(program_id: str) -> str:
    """The phase that a program's id names; the default one for ids without, such as an outside harness gives."""
    phase = program_id.partition("/")[0]
    return phase if phase in PHASES else ROLLOUT


def group_of(session_id: str) -> str:
    """The prompt group of a session: all repetitions of one instance. Empty for ids of another shape."""
    instance, _, repetition = session_id.rpartition("_")
    return f"{PHASE.get()}/{instance}" if instance and repetition.isdigit() else ""
