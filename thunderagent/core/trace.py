"""Recorded traces: what a scheduler was told, when, and what it wanted done, one JSON object per line.

The first line says how the scheduler was made; every other one holds an event, its time and its effects. Replaying the events
gives the same lines byte for byte, on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any, get_args

from thunderagent.core.effects import Effect
from thunderagent.core.events import Event
from thunderagent.core.limits import Limits
from thunderagent.core.policies import Policy
from thunderagent.core.policies.cap import CapPolicy
from thunderagent.core.policies.default import DefaultPolicy
from thunderagent.core.policies.thunder import ThunderPolicy
from thunderagent.core.policies.tr import TrPolicy
from thunderagent.core.scheduler import Scheduler
from thunderagent.core.usage import Usage
from thunderagent.errors import IllegalEvent, TraceError

VERSION = 1
"""Of the format; a reader refuses any other."""
POLICIES: dict[str, type[Policy]] = {"default": DefaultPolicy, "cap": CapPolicy, "tr": TrPolicy, "thunder": ThunderPolicy}
"""Policies by the names that users know them by."""
_NAMES = {policy: name for name, policy in POLICIES.items()}
_EVENTS = {event.__name__: event for event in get_args(Event)}


class RecordedScheduler(Scheduler):
    """A scheduler that hands every line of its trace to ``write``."""

    __slots__ = ("_write",)

    def __init__(self, policy: Policy, limits: Limits | None = None, *, write: Callable[[str], None]) -> None:
        """``write`` gets one line at a time, without its end; it must not block."""
        super().__init__(policy, limits)
        self._write = write
        settings = {field.name: getattr(policy, field.name) for field in _settings(type(policy))}
        made = {"policy": {"name": _NAMES[type(policy)], **settings}, "limits": asdict(self.limits)}
        write(json.dumps({"trace": VERSION, **made}))

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """As ``Scheduler.handle``; an event that is rejected is not recorded."""
        effects = super().handle(event, now)
        self._write(json.dumps({"now": now, **_named(event), "effects": [_named(effect) for effect in effects]}))
        return effects


def replay(lines: Iterable[str]) -> Iterator[str]:
    """The lines that a scheduler of today writes when it is told what a recorded one was told.

    Raises:
        TraceError: a line is no JSON object, names something unknown, the trace is of another version, or an event cannot
            follow what is decided today.
    """
    scheduler: RecordedScheduler | None = None
    written: list[str] = []
    for line in lines:
        record = _record(line)
        if scheduler is None:
            scheduler = _scheduler(record, line, written.append)
        else:
            now = record.pop("now", None)
            if not isinstance(now, int | float):
                raise TraceError(line, "it says no time in 'now'")
            try:
                scheduler.handle(_event(record, line), now)
            except IllegalEvent as error:
                raise TraceError(line, f"a scheduler of today has decided otherwise before ({error})") from None
        yield from written
        written.clear()


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise TraceError(line, str(error)) from None
    if not isinstance(record, dict):
        raise TraceError(line, "it is no JSON object")
    return record


def _scheduler(header: dict[str, Any], line: str, write: Callable[[str], None]) -> RecordedScheduler:
    if header.get("trace") != VERSION:
        raise TraceError(line, f"a trace of version {VERSION} starts with a line that says so")
    try:
        settings = dict(header["policy"])
        policy = POLICIES[settings.pop("name")](**settings)
        return RecordedScheduler(policy, Limits(**header["limits"]), write=write)
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(line, f"no scheduler can be made from it ({error})") from None


def _event(record: dict[str, Any], line: str) -> Event:
    record.pop("effects", None)
    kind = _EVENTS.get(record.pop("kind", ""))
    if kind is None:
        raise TraceError(line, f"'kind' must be one of {', '.join(_EVENTS)}")
    try:
        if record.get("usage") is not None:
            record["usage"] = Usage(**record["usage"])
        event: Event = kind(**record)
    except TypeError as error:
        raise TraceError(line, str(error)) from None
    return event


def _named(item: Any) -> dict[str, Any]:
    return {"kind": type(item).__name__, **asdict(item)}


def _settings(kind: type[Policy]) -> list[Any]:
    """Fields that a policy is made with; its statistics start anew."""
    return [field for field in fields(kind) if field.init and field.name != "tools"]  # type: ignore[arg-type]
