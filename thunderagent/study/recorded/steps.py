"""All steps of a recorded run as columns: about 140 bytes each, whatever their lines held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thunderagent.study.recorded.lines import StepLine

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUMBERS = (
    "arrived_at",
    "completed_at",
    "pause_s",
    "tool_call_s",
    "queue_s",
    "prefill_s",
    "decode_s",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reprefilled_tokens",
    "step_id",
)
NAMES = ("program_id", "group", "backend", "tool", "outcome")


@dataclass(frozen=True, slots=True)
class Steps:
    """In order of programs, and of each program in the order of its lines. What was not told is NaN."""

    number: dict[str, Floats]
    """By field; ``arrived_at`` and ``completed_at`` count from ``began_at``."""
    code: dict[str, Ints]
    """By field: places in ``names``."""
    names: dict[str, list[str]]
    began_at: float
    """The first arrival, in Unix time."""
    first: Ints
    """Row of each program's first step. An id whose steps begin anew is a new program."""

    def __len__(self) -> int:
        return len(self.code["program_id"])

    @property
    def length_s(self) -> float:
        """From the first arrival to the last completion."""
        return float(self.number["completed_at"].max(initial=0.0))

    @property
    def completed(self) -> npt.NDArray[np.bool_]:
        """Which steps did."""
        names = self.names["outcome"]
        return self.code["outcome"] == names.index("completed") if "completed" in names else np.zeros(len(self), bool)

    @property
    def wait_s(self) -> Floats:
        """From arrival to the start in the engine: held back by the scheduler, and in the engine's queue where that is told."""
        waits: Floats = self.number["pause_s"] + np.nan_to_num(self.number["queue_s"])
        return waits

    def last(self) -> Ints:
        """Row of each program's last step."""
        return np.append(self.first[1:], len(self)) - 1


def gather(chunks: Iterable[list[StepLine]]) -> Steps | None:
    """None: there are no steps."""
    numbers: dict[str, list[Floats]] = {name: [] for name in NUMBERS}
    codes: dict[str, list[Ints]] = {name: [] for name in NAMES}
    known: dict[str, dict[str, int]] = {name: {} for name in NAMES}
    for lines in chunks:
        for name, parts in numbers.items():
            parts.append(np.array([getattr(line, name) for line in lines], np.float64))  # None is NaN
        for name, chunk_codes in codes.items():
            chunk_codes.append(_coded([getattr(line, name) for line in lines], known[name]))
    if not any(len(part) for part in codes["program_id"]):
        return None
    code = {name: np.concatenate(codes.pop(name)) for name in NAMES}
    order = np.argsort(code["program_id"], kind="stable")
    code = {name: column[order] for name, column in code.items()}
    number = {name: np.concatenate(numbers.pop(name))[order] for name in NUMBERS}
    began_at = float(number["arrived_at"].min())
    for name in ("arrived_at", "completed_at"):
        number[name] -= began_at
    for name in ("pause_s", "tool_call_s", "queue_s", "prefill_s", "decode_s"):
        np.maximum(number[name], 0.0, out=number[name])  # clocks that ran backwards
    np.maximum(number["completed_at"], number["arrived_at"], out=number["completed_at"])
    anew = np.ones(len(order), bool)
    anew[1:] = (np.diff(code["program_id"]) != 0) | (np.diff(number["step_id"]) <= 0)
    return Steps(number, code, {name: list(found) for name, found in known.items()}, began_at, np.flatnonzero(anew))


def _coded(values: list[str], known: dict[str, int]) -> Ints:
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def totals(steps: Steps, values: npt.NDArray[Any]) -> Floats:
    """Sums over the steps of each program; NaN counts nothing."""
    sums: Floats = np.add.reduceat(np.nan_to_num(values.astype(np.float64)), steps.first)
    return sums
