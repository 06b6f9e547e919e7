"""The last steps of the last programs, in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter

import msgspec

from thunderagent.runtime import StepProfile

_VALUES_OF = attrgetter(*(field.name for field in fields(StepProfile)))
_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode

TOGETHER = 64
"""Steps that are sorted in at once, or when somebody looks: one at a time, between all else that a request runs through, each
costs several times as much."""


@dataclass(slots=True)
class Sum:
    """Of the values that were known."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float | None) -> None:
        """None: not known."""
        if value is not None:
            self.total += value
            self.count += 1

    @property
    def mean(self) -> float | None:
        """None: no value was known."""
        return self.total / self.count if self.count else None


@dataclass(slots=True)
class ProgramProfile:
    """Of one program: sums over all its steps, and the last of them. Times in seconds."""

    packed: deque[bytes]
    """The last steps. Kept as objects, they cost the gateway 15 us per request: what is freed late is cold when it is used anew,
    by whatever else a request allocates."""
    steps: int = 0
    prefill: Sum = field(default_factory=Sum)
    decode: Sum = field(default_factory=Sum)
    pause: Sum = field(default_factory=Sum)
    tool_call: Sum = field(default_factory=Sum)
    """Without the first step, before which no tool was called."""
    kv_hit_rate: Sum = field(default_factory=Sum)

    def add(self, step: StepProfile) -> None:
        """O(1)."""
        self.steps += 1
        self.packed.append(_pack(_VALUES_OF(step)))
        self.prefill.add(step.prefill_s)
        self.decode.add(step.decode_s)
        self.pause.add(step.pause_s)
        self.tool_call.add(step.tool_call_s if step.step_id > 1 else None)
        self.kv_hit_rate.add(step.kv_hit_rate)

    @property
    def last(self) -> list[StepProfile]:
        """Oldest first."""
        return [StepProfile(*_unpack(packed)) for packed in self.packed]


class ProfileStore:
    """Bounded: programs whose last step is the longest ago are forgotten first."""

    def __init__(self, programs: int = 1_000, steps: int = 32) -> None:
        """Remember so many programs, and so many of each one's last steps (all steps are in their sums)."""
        self._programs, self._steps = programs, steps
        self._profiles: OrderedDict[str, ProgramProfile] = OrderedDict()
        self._new: list[StepProfile] = []

    def put(self, step: StepProfile) -> None:
        """O(1)."""
        self._new.append(step)
        if len(self._new) >= TOGETHER:
            self._sort_in()

    def _sort_in(self) -> None:
        profiles = self._profiles
        for step in self._new:
            profile = profiles.get(step.program_id)
            if profile is None or step.step_id == 1:  # the id is used again: another program
                profile = profiles[step.program_id] = ProgramProfile(deque(maxlen=self._steps))
            profile.add(step)
            profiles.move_to_end(step.program_id)
            if len(profiles) > self._programs:
                profiles.popitem(last=False)
        self._new.clear()

    def get(self, program_id: str) -> ProgramProfile | None:
        """None: it has had no step, or was forgotten."""
        self._sort_in()
        return self._profiles.get(program_id)

    def __len__(self) -> int:
        self._sort_in()
        return len(self._profiles)

    def __iter__(self) -> Iterator[str]:
        """Program ids."""
        self._sort_in()
        return iter(self._profiles)
