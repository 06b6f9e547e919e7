"""What is measured of every sandbox that a program wanted, and the sums of all."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.resources import Want


@dataclass(frozen=True, slots=True)
class SandboxProfile:
    """One sandbox of one program, when the program is done with it. Times in seconds, ``*_at`` in Unix time."""

    program_id: str
    """Of the agent run."""
    sandbox_id: str
    """Its name, as the container engine knows it."""
    image: str
    """That it was made of; empty where there are none."""
    outcome: str
    """``used``, ``unused`` (the program never asked for it) or ``given up`` (before it was ready)."""
    wanted_at: float
    """When its preparation could have begun."""
    prepare_s: float
    """That its preparation took, retries included; 0 for one that was there already."""
    waited_s: float
    """That the program waited for it."""
    hidden_s: float
    """Of its preparation: while the program did something else."""
    used_s: float
    """From when the program had it."""
    reused: bool
    """Whether another program had it before."""
    attempts: int
    """Preparations that were begun."""
    disk_bytes: int
    """Beyond its image."""


@dataclass(slots=True)
class ToolTotals:
    """Sums over all sandboxes that programs are done with."""

    sandboxes: int = 0
    """That programs had."""
    reused: int = 0
    unused: int = 0
    prepare_s: float = 0.0
    waited_s: float = 0.0
    hidden_s: float = 0.0

    def add(self, one: SandboxProfile) -> None:
        """A program is done with one more."""
        self.sandboxes += one.outcome == "used"
        self.unused += one.outcome == "unused"
        self.reused += one.reused and one.outcome == "used"
        self.prepare_s += one.prepare_s
        self.waited_s += one.waited_s
        self.hidden_s += one.hidden_s

    @property
    def overlapped_share(self) -> float:
        """Of all preparation: how much no program waited for; 0 while there was none."""
        return self.hidden_s / self.prepare_s if self.prepare_s else 0.0


def profile(want: Want, outcome: str, now: float, wall_now: float) -> SandboxProfile:
    """Of a want that is over at ``now``."""
    sandbox, needed_s, ready_s = want.sandbox, want.needed_s, want.ready_s
    prepare_s = 0.0
    if ready_s is not None and not want.reused:
        prepare_s = ready_s - (want.began_s if want.began_s is not None else want.wanted_s)
    waited_s = 0.0 if needed_s is None else max(0.0, (now if ready_s is None else ready_s) - needed_s)
    had_s = None if needed_s is None or ready_s is None else max(needed_s, ready_s)
    return SandboxProfile(
        program_id=want.program_id,
        sandbox_id=sandbox.id,
        image=sandbox.spec.image,
        outcome=outcome,
        wanted_at=wall_now - (now - want.wanted_s),
        prepare_s=prepare_s,
        waited_s=waited_s,
        hidden_s=max(0.0, prepare_s - waited_s),
        used_s=0.0 if had_s is None else now - had_s,
        reused=want.reused,
        attempts=sandbox.attempts,
        disk_bytes=sandbox.disk_bytes,
    )
