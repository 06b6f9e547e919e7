"""A gateway that is not there: what the dashboard would see of many programs, all seeded, and the dashboard itself."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from thunderagent import __version__
from thunderagent.adapters.gateway.manage import dashboard

CAPACITY_TOKENS = 400_000
MEAN_S = {"prefill": 0.8, "decode": 4.0, "tool": 5.0, "parked": 6.0, "paused": 5.0}
"""How long programs stay in a state, about: turns of a large model, tools that run tests."""
NEXT = {
    "prefill": ("decode",),
    "decode": ("tool",),
    "tool": ("prefill", "prefill", "paused"),
    "paused": ("parked",),
    "parked": ("prefill",),
}
TOOLS = ("bash", "python", "search", "edit", "pytest")


@dataclass
class _Program:
    id: str
    kind: str
    since_s: float
    until_s: float
    tokens: int
    engine: str
    steps: int = 0
    tool: str = ""


@dataclass
class MadeUp:
    """Programs that change their states by chance."""

    programs: int
    engines: int
    seed: int = 0
    _all: list[_Program] = field(default_factory=list)
    _next: int = 0
    _steps: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._urls = [f"http://gpu{number}:8000" for number in range(self.engines)]
        self._parts = dict.fromkeys(MEAN_S, 0.0)
        now_s = time.time()
        for _ in range(self.programs):
            program = self._new(now_s)
            program.kind = self._random.choice(list(MEAN_S))
            self._all.append(program)

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """In the shape of ``GET /live``."""
        for index, program in enumerate(self._all):
            while program.until_s <= now_s:
                self._step(program)
            if program.steps > 20:
                self._all[index] = self._new(now_s)
        acting = [p for p in self._all if p.kind == "tool"]
        running = [p for p in self._all if p.kind in ("prefill", "decode")]
        waiting = [p for p in self._all if p.kind == "parked"]
        engines = [self._engine(url, running, acting) for url in self._urls]
        shares = [engine["committed_tokens"] / CAPACITY_TOKENS for engine in engines]
        return {
            "at": now_s,
            "mode": "thunder",
            "version": __version__,
            "draining": False,
            "totals": {
                "waiting_turns": len(waiting), "steps": self._steps, "failed_steps": 0, "completion_tokens": 200 * self._steps,
                "prompt_tokens": 6_000 * self._steps, "cached_tokens": 5_600 * self._steps,
                "reprefilled_tokens": 12 * self._steps, "kv_hit_rate": 0.93,
                "kv_committed_mean": sum(shares) / len(shares), "kv_committed_max": max(shares),
                "decode_s": self._parts["decode"], "prefill_s": self._parts["prefill"], "tool_call_s": self._parts["tool"],
                "queue_s": 0.0, "paused_s": self._parts["parked"],
            },
            "engines": engines,
            "programs": [self._view(program, now_s) for program in self._all],
            "programs_total": len(self._all),
        }  # fmt: skip

    def _new(self, now_s: float) -> _Program:
        self._next += 1
        engine = self._random.choice(self._urls)
        name = f"train/{self._next // 8}_{self._next % 8}"
        return _Program(
            name, "parked", now_s, now_s + self._random.expovariate(1 / 6), self._random.randrange(2_000, 9_000), engine
        )

    def _step(self, program: _Program) -> None:
        self._parts[program.kind] += program.until_s - program.since_s
        if program.kind == "decode":
            program.steps += 1
            self._steps += 1
            program.tokens += self._random.randrange(100, 900)
        program.kind = self._random.choice(NEXT[program.kind])
        program.tool = self._random.choice(TOOLS) if program.kind == "tool" else ""
        program.since_s = program.until_s
        program.until_s += 0.05 + self._random.expovariate(1 / MEAN_S[program.kind])

    def _engine(self, url: str, running: list[_Program], acting: list[_Program]) -> dict[str, Any]:
        runs, acts = (sum(p.tokens for p in some if p.engine == url) for some in (running, acting))
        return {
            "id": url, "url": url, "healthy": True, "paused": False, "draining": False, "capacity_tokens": CAPACITY_TOKENS,
            "committed_tokens": runs + acts, "acting_tokens": acts, "running_turns": sum(p.engine == url for p in running),
            "programs": 0, "kv_hit_rate": 0.93, "usage": min(1.0, runs / CAPACITY_TOKENS),
        }  # fmt: skip

    def _view(self, program: _Program, now_s: float) -> dict[str, Any]:
        parked = program.kind == "parked"
        since_s = max(0.0, now_s - program.since_s)
        return {
            "id": program.id, "group": program.id.partition("_")[0], "phase": "train", "backend": program.engine,
            "state": program.kind if program.kind in ("parked", "paused") else "active",
            "status": "acting" if program.kind in ("tool", "paused") else "reasoning", "decoding": program.kind == "decode",
            "tokens": program.tokens, "steps": program.steps, "tool": program.tool, "since_s": since_s,
            "waited_s": since_s if parked else None, "waits_for": "20,000 tokens of room on any engine" if parked else None,
            "ahead": 0 if parked else None, "sandboxes": 1,
        }  # fmt: skip


def application(made_up: MadeUp) -> Starlette:
    """The dashboard, and what it asks."""

    async def files(request: Request) -> Response:
        return await (dashboard.file if "name" in request.path_params else dashboard.page)(None, request)  # type: ignore[arg-type]

    async def live(request: Request) -> Response:
        interval_s = float(request.query_params["interval_s"])

        async def events() -> AsyncIterator[str]:
            while True:
                yield f"data: {json.dumps(made_up.snapshot(time.time()))}\n\n"
                await asyncio.sleep(interval_s)

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/dashboard", files), Route("/dashboard/{name:path}", files), Route("/live", live)])
