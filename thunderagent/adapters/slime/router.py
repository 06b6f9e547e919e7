"""slime's router: which engines are behind it. slime starts engines anew on other ports, so it is asked again and again."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from thunderagent.adapters.engines.engine import Page
from thunderagent.adapters.engines.http import EngineHttp
from thunderagent.errors import EngineProblem

logger = logging.getLogger(__name__)

LOOK_S = 2.0
"""Between two looks; slime itself takes tens of seconds to start an engine anew."""
TIMEOUT_S = 5.0
"""For an answer: routers answer from memory."""
DISAGGREGATED = ("prefill", "decode")


class Workers(Protocol):
    """Engines that the scheduler has; each method returns at once."""

    async def add(self, url: str) -> None: ...
    async def drain(self, url: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Engines:
    """What a router tells."""

    urls: tuple[str, ...]
    disaggregated: bool
    """Prefill and decode apart: then only the router can send a turn, and counts as the one engine."""


async def is_thunderagent(http: EngineHttp) -> bool:
    """Whether the router is a gateway of ours, which schedules already. To be asked first: to such a one, ``GET /workers`` says
    that slime aborts.

    Raises:
        EngineProblem: nothing answers there.
    """
    answer = _json((await _get(http, "/ready")).body)
    return isinstance(answer, dict) and {"ready", "problems"} <= answer.keys()


async def engines_behind(http: EngineHttp, router: str) -> Engines:
    """Those that it knows now.

    Raises:
        EngineProblem: it does not tell.
    """
    page = await _get(http, "/workers")
    answer = _json(page.body)
    workers = answer.get("workers") if isinstance(answer, dict) else None
    if page.status != 200 or not isinstance(workers, list):
        raise EngineProblem(f"{router}/workers is answered with status {page.status}, and no list of workers")
    named = [worker for worker in workers if isinstance(worker, dict) and isinstance(worker.get("url"), str)]
    if any(worker.get("worker_type") in DISAGGREGATED for worker in named):
        return Engines((router,), disaggregated=True)
    return Engines(tuple(dict.fromkeys(worker["url"].rstrip("/") for worker in named)), disaggregated=False)


class RouterWatch:
    """Keeps the scheduler's engines in step with the router's. On the loop of the scheduler."""

    def __init__(self, router: str, known: Engines, workers: Workers) -> None:
        self._router, self._known, self._workers = router, known, workers
        self._http = EngineHttp(router)
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> None:
        """Ask, and take in what has changed. A router that does not tell, or knows none at the moment, changes nothing."""
        async with self._one_at_a_time:
            try:
                now = await engines_behind(self._http, self._router)
            except EngineProblem as problem:
                logger.debug("slime's router: %s", problem)
                return
            if not now.urls:
                return
            for url in now.urls:
                if url not in self._known.urls:
                    logger.info("engine %s is behind slime's router now", url)
                    await self._workers.add(url)
            for url in self._known.urls:
                if url not in now.urls:
                    logger.info("engine %s is not behind slime's router any more", url)
                    await self._workers.drain(url)
            self._known = now

    async def follow(self) -> None:
        """For ever."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                await self.look()
        finally:
            self._http.close()


async def _get(http: EngineHttp, path: str) -> Page:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await http.get(path)
    except TimeoutError:
        raise EngineProblem(f"{path} is not answered within {TIMEOUT_S:g} s") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
