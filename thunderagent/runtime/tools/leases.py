"""What a program has of tools, as plain data for a store, and back."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thunderagent.core.resources import Spec, Status, Want, events
from thunderagent.core.resources.leases import Slots
from thunderagent.runtime.tools.backend import SandboxRequest
from thunderagent.runtime.tools.known import KnownPrograms
from thunderagent.runtime.tools.reactor import Reactor

logger = logging.getLogger(__name__)
FIELDS: dict[str, type] = {"id": str, "request": str, "in_use": bool, "foreign": bool}
"""Of a sandbox that is kept."""


@dataclass(frozen=True, slots=True)
class LeasedSandbox:
    """One that a program has, or that is ready for it."""

    id: str
    spec: Spec
    in_use: bool
    foreign: bool


def to_plain(wants: Iterable[Want], ports: list[int]) -> dict[str, Any]:
    """To be kept; empty: there is nothing. What is still being prepared is asked for anew."""
    sandboxes = [
        {"id": one.id, "request": one.spec.fingerprint, "in_use": one.status is Status.IN_USE, "foreign": one.foreign}
        for one in (want.sandbox for want in wants)
        if one.status in (Status.READY, Status.IN_USE)
    ]
    return {"sandboxes": sandboxes, "ports": ports} if sandboxes or ports else {}


def from_plain(kept: Any) -> tuple[list[LeasedSandbox], list[int]]:
    """What was kept: sandboxes and ports.

    Raises:
        ValueError: this was never kept by us.
    """
    try:
        ports = list(kept.get("ports", ()))
        if not all(type(port) is int for port in ports):
            raise ValueError("a port is no number")
        return [_sandbox(one) for one in kept["sandboxes"]], ports
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(repr(error)) from error


def _sandbox(kept: dict[str, Any]) -> LeasedSandbox:
    if any(type(kept[name]) is not kind for name, kind in FIELDS.items()):
        raise ValueError("a sandbox is none")
    spec = Spec("") if kept["foreign"] else SandboxRequest.of(Spec(kept["request"])).spec()
    return LeasedSandbox(kept["id"], spec, kept["in_use"], kept["foreign"])


class LeaseBook:
    """Of one host: what is to be kept, and how it comes back."""

    def __init__(self, reactor: Reactor, slots: Slots, known: KnownPrograms, clock: Callable[[], float]) -> None:
        """All of them are the host's."""
        self._reactor, self._slots, self._known, self._clock = reactor, slots, known, clock

    def leases(self, program_id: str) -> dict[str, Any]:
        """What the program has, as plain data for ``recover``; empty: nothing."""
        wants = self._reactor.pool.programs.get(program_id, {}).values()
        return to_plain(wants, self._slots.of_program(program_id))

    def lessees(self) -> list[str]:
        """Programs that may have something."""
        return self._known.ids()

    def recover(self, kept: Mapping[str, Any], rank_of: Callable[[str], tuple[float, ...]]) -> None:
        """What programs had is theirs still; ``rank_of`` tells when each will run."""
        recovered = 0
        for program_id, told in kept.items():
            self._reactor.note(program_id)  # whatever does not come back is to be forgotten
            try:
                sandboxes, ports = from_plain(told)
            except ValueError as error:
                logger.warning("what program %r had of tools cannot be read, and is forgotten: %s", program_id, error)
                continue
            for port in ports:
                self._slots.recover(program_id, port, self._clock(), math.inf)
            for one in sandboxes:
                self._recover(program_id, one, rank_of(program_id))
            self._known.touch(program_id)
            recovered += len(sandboxes)
        if recovered:
            logger.warning("recovered %d sandboxes of %d programs", recovered, len(kept))

    def _recover(self, program_id: str, one: LeasedSandbox, rank: tuple[float, ...]) -> None:
        wanted_id = self._reactor.name()
        told = events.Recovered(one.id, wanted_id, program_id, one.spec, rank, in_use=one.in_use, foreign=one.foreign)
        self._reactor.send(told)
        if not one.in_use:
            self._known.touch(program_id).announced.setdefault(one.spec.fingerprint, []).append(wanted_id)
