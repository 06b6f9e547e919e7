"""Snapshots, made by hand."""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.gateway.manage.snapshot import EngineNow, ProgramNow, Snapshot

URL = "http://127.0.0.1:8300"


def engine(name: str = "http://gpu1:8000", **fields: Any) -> EngineNow:
    usual: dict[str, Any] = {"healthy": True, "paused": False, "draining": False, "breaker": "closed", "last_problem": None}
    counts = {"capacity_tokens": 100_000, "committed_tokens": 60_000, "acting_tokens": 20_000, "running_turns": 3, "programs": 5}
    told = {"kv_hit_rate": 0.84, "prefix_queried_tokens": 100, "prefix_hit_tokens": 84, "usage": 0.5}
    return EngineNow(**({"id": name, "url": name} | usual | counts | told | fields))


def program(name: str, **fields: Any) -> ProgramNow:
    usual: dict[str, Any] = {"group": "", "phase": "", "state": "active", "status": "reasoning", "backend": "http://gpu1:8000"}
    counts = {"tokens": 12_400, "steps": 3, "tool": "", "since_s": 4.2, "sandboxes": 0}
    waits = {"waited_s": None, "waits_for": None, "ahead": None}
    return ProgramNow(**({"id": name} | usual | counts | waits | fields))


def waiting(name: str, **fields: Any) -> ProgramNow:
    why = {
        "state": "parked",
        "backend": None,
        "waited_s": 8.0,
        "since_s": 8.0,
        "waits_for": "1,000 tokens of KV cache",
        "ahead": 0,
    }
    return program(name, **(why | fields))


def snapshot(**fields: Any) -> Snapshot:
    programs = [
        waiting("train/9"),
        program("train/1", group="train", phase="rollout"),
        program("train/2", status="acting", tool="bash"),
    ]
    totals = {"waiting_turns": 1.0, "steps": 1_234.0, "steps_per_min": 740.0, "kv_hit_rate": 0.8}
    usual: dict[str, Any] = {"at": 1.8e9, "mode": "thunder", "version": "0.1.0", "draining": False, "totals": totals}
    return Snapshot(**(usual | {"engines": [engine()], "programs": programs, "programs_total": 3} | fields))
