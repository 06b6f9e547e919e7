"""A gateway that is killed again and again under load, and what becomes of its programs."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.gateway.processes import ROOT, free_port
from benchmarks.report import Figure
from recipes.common.config import EngineConfig
from recipes.common.engine import end_engine, start_engine
from recipes.common.tokenizer import save_byte_tokenizer

KILLS, AGENTS, ENGINES = 50, 24, 2
UNDER_LOAD_S = (0.05, 0.9)
"""Between the first turn after a restart and the next kill."""
WHILE_STARTING = 0.2
"""Of the kills, that come before the gateway is ready again."""
TURNS = (2, 9)
"""Of a program; then its client releases it and begins another one."""
FAST = EngineConfig(time_scale=30.0)
"""A turn takes some tens of milliseconds."""
PATIENCE_S = 60.0


@dataclass
class Ran:
    """What the clients know."""

    known: dict[str, int] = field(default_factory=dict)
    """Programs that had an answer and are not released, and how many answers they had."""
    releasing: set[str] = field(default_factory=set)
    """Programs whose release was sent and not answered yet: they may be there or not."""
    released: set[str] = field(default_factory=set)
    turns: int = 0
    retries: int = 0
    programs: int = 0
    lost: int = 0
    doubled: int = 0
    restarts_s: list[float] = field(default_factory=list)


def measure(quick: bool) -> dict[str, Figure]:
    """All of them in one run of agents."""
    kills = 5 if quick else KILLS
    with tempfile.TemporaryDirectory(prefix="kills-bench-") as folder, _engines(Path(folder)) as urls:
        ran = asyncio.run(_Killed(Path(folder), urls).run(kills))
    return {
        "kills": Figure(kills, ""),
        "programs_lost_in_kills": Figure(ran.lost, "", at_most=0),
        "programs_counted_twice_after_kills": Figure(ran.doubled, "", at_most=0),
        "programs_completed_over_kills": Figure(ran.programs, ""),
        "turns_completed_over_kills": Figure(ran.turns, ""),
        "turns_sent_again": Figure(ran.retries, ""),
        "restart_median": Figure(sorted(ran.restarts_s)[len(ran.restarts_s) // 2], "s"),
    }


@contextlib.contextmanager
def _engines(folder: Path) -> Iterator[list[str]]:
    tokenizer = save_byte_tokenizer(folder / "tokenizer")
    with contextlib.ExitStack() as ended:
        urls = []
        for number in range(ENGINES):
            process, url = start_engine(
                FAST,
                tokenizer=tokenizer,
                model_name="simulated",
                answers="thunderagent.adapters.engines.simulated.answers:echo",
                port_file=folder / f"engine-{number}",
                log=folder / f"engine-{number}.log",
            )
            ended.callback(end_engine, process)
            urls.append(url)
        yield urls


class _Killed:
    """The gateway as a process, and its clients."""

    def __init__(self, folder: Path, engines: list[str]) -> None:
        self._port, self._log = free_port(), folder / "gateway.log"
        options = ["--backends", ",".join(engines), "--port", str(self._port), "--metrics-interval", "0.2s"]
        self._command = [sys.executable, "-m", "thunderagent", "serve", *options, "--store", str(folder / "store.db")]
        self._url = f"http://127.0.0.1:{self._port}"
        self._random = random.Random(0)
        self._open = asyncio.Event()
        """Whether clients may send: not while it is looked at what the gateway knows."""
        self._sending = 0
        self._ending = False
        self.ran = Ran()

    async def run(self, kills: int) -> Ran:
        """Until all kills are over, and all agents have ended their last programs."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            process = self._start()
            try:
                await self._ready(http)
                self._open.set()
                agents = [asyncio.create_task(self._agent(http, number)) for number in range(AGENTS)]
                for number in range(kills):
                    await asyncio.sleep(self._random.uniform(*UNDER_LOAD_S))
                    self._open.clear()
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    began_s = time.perf_counter()
                    process = self._start()
                    if self._random.random() < WHILE_STARTING:
                        await asyncio.sleep(self._random.uniform(0.3, 2.0))
                        process.send_signal(signal.SIGKILL)
                        process.wait()
                        process = self._start()
                    await self._ready(http)
                    self.ran.restarts_s.append(time.perf_counter() - began_s)
                    await self._look(http)
                    if number == kills - 1:
                        self._ending = True
                    self._open.set()
                await asyncio.gather(*agents)
                self.ran.lost += len(await self._programs(http))  # all are released: whoever is left was counted twice
            finally:
                process.kill()
                process.wait()
        return self.ran

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)

    async def _ready(self, http: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with http.get(f"{self._url}/ready") as answer:
                        if answer.status == 200 and (await http.get(f"{self._url}/live.json")).status == 200:
                            return
                await asyncio.sleep(0.02)

    async def _look(self, http: aiohttp.ClientSession) -> None:
        """Compare what the gateway knows with what its clients know, and its sums with its programs."""
        while self._sending:  # noqa: ASYNC110 - whoever was cut off has noticed
            await asyncio.sleep(0.01)
        ran, found = self.ran, await self._programs(http)
        lost = set(ran.known) - set(found) - ran.releasing
        back = ran.released & set(found)
        ran.lost += len(lost)
        counted: dict[str, int] = {}
        for program in found.values():
            if program["backend"] is not None:
                counted[program["backend"]] = counted.get(program["backend"], 0) + program["total_tokens"]
        engines = (await (await http.get(f"{self._url}/live.json?programs=0")).json())["engines"]
        told = {engine["id"]: engine["committed_tokens"] for engine in engines if engine["committed_tokens"]}
        ran.doubled += len(back) + (told != counted)
        if lost or back or told != counted:
            print(f"lost {sorted(lost)}, back {sorted(back)}, counted {counted}, told {told}", file=sys.stderr)

    async def _programs(self, http: aiohttp.ClientSession) -> dict[str, Any]:
        async with http.get(f"{self._url}/programs?limit=10000") as answer:
            programs: dict[str, Any] = await answer.json()
            return programs

    async def _agent(self, http: aiohttp.ClientSession, number: int) -> None:
        rng = random.Random(number)
        while not self._ending:
            self.ran.programs += 1
            name = f"agent-{number}-{self.ran.programs}"
            prompt = f"Task of {name}. " + "x" * rng.randrange(200, 3_000)
            for turn in range(rng.randrange(*TURNS)):
                prompt += f" Turn {turn}."
                body = {"model": "simulated", "max_tokens": 20, "messages": [{"role": "user", "content": prompt}]}
                await self._post(http, "/v1/chat/completions", body | {"program_id": name})
                self.ran.known[name] = self.ran.known.get(name, 0) + 1
                self.ran.turns += 1
                await asyncio.sleep(rng.random() * 0.1)
            self.ran.releasing.add(name)
            await self._post(http, "/programs/release", {"program_id": name})
            self.ran.known.pop(name)
            self.ran.releasing.discard(name)
            self.ran.released.add(name)

    async def _post(self, http: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
        """As SDKs do: again, until there is an answer. A broken connection and "come back later" are all that may go wrong."""
        while True:
            await self._open.wait()
            self._sending += 1
            try:
                async with http.post(self._url + path, json=body) as answer:
                    await answer.read()
                    if answer.status == 200:
                        return
                    assert answer.status in (429, 503), f"{path} was answered {answer.status}: {await answer.text()}"
            except (aiohttp.ClientError, OSError):
                pass
            finally:
                self._sending -= 1
            self.ran.retries += 1
            await asyncio.sleep(0.05)
