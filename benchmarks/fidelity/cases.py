"""The traces in which the engine model must agree with vLLM exactly, and recordings of what a real vLLM did with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fidelity import ours
from benchmarks.fidelity.outcome import Outcome
from benchmarks.fidelity.trace import Trace, burst, repeated, sequential
from thunderagent.simulation import EngineSpec

LIMITS = ("kv_capacity_tokens", "block_size_tokens", "max_batched_tokens", "max_running")
"""Of an `EngineSpec`; its times do not matter to what is recorded."""


@dataclass(frozen=True, slots=True)
class Case:
    """One trace and how its requests come: one after another, or all before the first step."""

    name: str
    at_once: bool
    trace: Trace

    def on_the_model(self, spec: EngineSpec) -> Outcome:
        """What the engine model does."""
        return ours.all_at_once(spec, self.trace) if self.at_once else ours.one_by_one(spec, self.trace)


def cases(seed: int = 1, scale: float = 1.0) -> list[Case]:
    """All of them; ``scale`` shortens the longest."""
    return [
        Case("sessions", False, sequential(seed, round(200 * scale))),
        Case("repeated prompts", False, repeated(seed)),
        Case("burst", True, burst(seed, round(24 * scale))),
        Case("burst of long prompts", True, burst(seed + 3, round(20 * scale), new=(100, 2_000), output=(100, 900))),
    ]


@dataclass(frozen=True, slots=True)
class Recording:
    """What a real engine did."""

    engine: str
    command: str
    config: dict[str, Any]
    """What the engine says of its own settings."""
    spec: EngineSpec
    """The engine model with the same limits."""
    outcomes: tuple[tuple[Case, Outcome], ...]

    def write(self, path: Path) -> None:
        """Save it, a case on a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "engine": self.engine,
            "command": self.command,
            "config": self.config,
            "limits": {name: getattr(self.spec, name) for name in LIMITS},
        }
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in about.items()]
        shown = (json.dumps(_case_as_json(case, outcome), separators=(",", ":")) for case, outcome in self.outcomes)
        path.write_text("{\n" + ",\n".join([*lines, '"cases": [\n' + ",\n".join(shown) + "\n]"]) + "\n}\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Recording:
        """What `write` saved."""
        document = json.loads(path.read_text(encoding="utf-8"))
        outcomes = tuple(_cases_from_json(document["cases"]))
        spec = EngineSpec(**document["limits"], prefill_tokens_per_s=10_000.0, decode_step_s=0.01, decode_s_per_kv_token=0.0)
        return cls(document["engine"], document["command"], document["config"], spec, outcomes)


def _case_as_json(case: Case, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": case.name,
        "at_once": case.at_once,
        "preemptions": outcome.preemptions,
        "prompt_tokens": outcome.prompt_tokens,
        "cached_tokens": outcome.cached_tokens,
        "trace": case.trace.as_json(),
    }


def _cases_from_json(documents: list[dict[str, Any]]) -> Iterator[tuple[Case, Outcome]]:
    for document in documents:
        case = Case(document["name"], document["at_once"], Trace.from_json(document["trace"]))
        prompts, cached = tuple(document["prompt_tokens"]), tuple(document["cached_tokens"])
        yield case, Outcome(prompts, cached, document["preemptions"])
