"""What a check-up finds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from thunderagent.adapters.engines.reading import EngineKind


class Verdict(StrEnum):
    """On one thing that is looked at."""

    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """The engine does not tell, or it was not tried."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Part of the command that starts an engine."""

    text: str
    remove: bool = False
    """It stands in the command and has to go."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """Its name, which does not change."""
    verdict: Verdict
    seen: str
    why: str
    """Why it matters, in one sentence."""
    needed: bool
    """Without it the scheduler is blind; else it only gains by it."""
    fix: str | None = None
    """What to do, in words; None: nothing."""
    flag: Flag | None = None
    """What does it, where it is a flag."""

    @property
    def blinds(self) -> bool:
        """Whether the scheduler would not see what it needs."""
        return self.needed and self.verdict in (Verdict.MISSING, Verdict.WRONG)


@dataclass(frozen=True, slots=True)
class Checkup:
    """Of one engine."""

    url: str
    kind: EngineKind | None
    """None: nobody knows what answers there."""
    name: str | None
    """What it is, for people: with its version, where it tells it."""
    asks_for_key: bool
    """Its requests need an API key."""
    findings: tuple[Finding, ...]

    @property
    def blind(self) -> tuple[Finding, ...]:
        """What the scheduler would not see."""
        return tuple(finding for finding in self.findings if finding.blinds)

    @property
    def ready(self) -> bool:
        """Whether scheduling would see all that it needs."""
        return not self.blind
