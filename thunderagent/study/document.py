"""The data of a study, and its form as JSON. All tables, pictures and pages are made from it alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from thunderagent.errors import StudyError
from thunderagent.simulation.sampler import Samples

VERSION = 1
"""Of the JSON; another one is refused."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number of a cell means."""

    label: str
    unit: str
    higher_is_better: bool


METRICS: dict[str, Metric] = {
    "steps_per_min": Metric("throughput", "steps/min", True),
    "ratio": Metric("over engine alone", "x", True),
    "bound_share": Metric("of the bound", "share", True),
    "makespan_s": Metric("makespan", "s", False),
    "groups_half_s": Metric("half of the groups complete", "s", False),
    "hit_rate": Metric("KV hit rate", "share", True),
    "reprefilled_tokens": Metric("re-prefilled", "tokens", False),
    "preemptions": Metric("preemptions", "requests", False),
    "wait_p50_s": Metric("wait p50", "s", False),
    "wait_p99_s": Metric("wait p99", "s", False),
    "wait_max_s": Metric("longest wait", "s", False),
    "progress_p10": Metric("slowest tenth of programs", "steps/min", True),
    "fairness": Metric("fairness (Jain)", "share", True),
    "imbalance": Metric("busiest engine over mean", "x", False),
    "programs_done": Metric("programs finished", "programs", True),
    "programs_refused": Metric("programs refused", "programs", False),
}
"""In the order in which tables show them. A cell has those that apply to it."""
STATES = ("reasoning", "queued", "tool", "paused")
"""Of a program over time: has a turn in the engine; waits in the engine's queue; runs a tool; is held back by the scheduler."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One simulation."""

    workload: str
    policy: str
    load: float
    """Contexts of the programs under way over the KV capacity of all engines; 0: not a load but a batch or a recorded trace."""
    programs: int
    """Under way at once."""
    seed: int
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Track:
    """One program over time."""

    program: str
    spans: list[tuple[str, float, float]]
    """State (of ``STATES``), begin and end in simulated seconds; in order, without gaps."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened in one simulation, to be looked at."""

    workload: str
    policy: str
    load: float
    seed: int
    engines: list[Samples]
    paused_programs: list[int]
    """Held back by the scheduler at the same times."""
    tracks: list[Track]
    """Of some programs, in order of birth."""


@dataclass(frozen=True, slots=True)
class Study:
    """All of it."""

    title: str
    settings: dict[str, Any]
    """Engine and its constants, seconds simulated, which seeds policies were tuned on, ...; shown as it is."""
    cells: list[Cell]
    timelines: list[Timeline] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader has to know: faults that were injected, broken lines of a trace, what was assumed."""

    def of(self, workload: str, policy: str, load: float) -> list[Cell]:
        """The cells of all seeds, in order of seed."""
        found = [c for c in self.cells if (c.workload, c.policy, c.load) == (workload, policy, load)]
        return sorted(found, key=lambda cell: cell.seed)

    @property
    def workloads(self) -> list[str]:
        """In order of first appearance, as the two below."""
        return _unique(cell.workload for cell in self.cells)

    @property
    def policies(self) -> list[str]:
        """Names of policies, baselines and the bound."""
        return _unique(cell.policy for cell in self.cells)

    def loads(self, workload: str) -> list[float]:
        """Ascending."""
        return sorted({cell.load for cell in self.cells if cell.workload == workload})

    def to_json(self) -> str:
        """The document."""
        return json.dumps({"version": VERSION, **dataclasses.asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Study:
        """The same again.

        Raises:
            StudyError: it is no document of this version.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.get("version") != VERSION:
                raise StudyError(f"the document has no version {VERSION}; write it again with `thunderagent simulate`")
            return cls(
                str(data["title"]),
                dict(data["settings"]),
                [_cell(cell) for cell in data["cells"]],
                [_timeline(timeline) for timeline in data["timelines"]],
                [str(note) for note in data["notes"]],
            )
        except KeyError as error:
            raise StudyError(f"no study can be read from it: {error} is missing") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise StudyError(f"no study can be read from it: {error}") from error


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _cell(data: dict[str, Any]) -> Cell:
    return Cell(**{**data, "metrics": {name: float(value) for name, value in data["metrics"].items()}})


def _timeline(data: dict[str, Any]) -> Timeline:
    return Timeline(
        **{
            **data,
            "engines": [Samples(**samples) for samples in data["engines"]],
            "tracks": [Track(t["program"], [(str(s), float(b), float(e)) for s, b, e in t["spans"]]) for t in data["tracks"]],
        }
    )
