"""Looks at one engine: finds out what it is, and reads it."""

from __future__ import annotations

import asyncio

from thunderagent.adapters.engines.detect import detect, engine_of, same_family
from thunderagent.adapters.engines.engine import Engine
from thunderagent.adapters.engines.http import EngineHttp
from thunderagent.adapters.engines.reading import EngineKind, Reading
from thunderagent.adapters.engines.vllm import Vllm
from thunderagent.errors import EngineProblem

DETECT_EVERY_LOOKS = 5
"""While it answers and shows nothing that is known: to find out is half a dozen requests, so not with every look."""
HEALTH = "/health"


class Looker:
    """One look after the other."""

    def __init__(self, url: str, kind: EngineKind | None, timeout_s: float) -> None:
        """``kind`` None: find out."""
        self.engine = None if kind is None else engine_of(kind)
        """What it is; None: not known yet."""
        self._configured = kind
        self._http = EngineHttp(url)
        self._timeout_s = timeout_s
        self._undetected_looks = 0
        self._wrong = False
        """Whether the last answer was; what is there instead is asked for once for all in a row."""
        self._stranger: EngineKind | None = None
        """What is there instead of what was configured, as far as is known."""

    async def look(self) -> Reading:
        """Once.

        Raises:
            EngineProblem: it did not answer (``dead``), or not as it should.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                reading = await self._read()
        except TimeoutError:
            self._renew()
            raise EngineProblem(f"{self._http.path} does not answer within {self._timeout_s:g} s", dead=True) from None
        except EngineProblem as problem:
            if problem.dead:
                self._renew()
            raise
        self._wrong, self._stranger = False, None
        return reading

    async def answers(self) -> bool:
        """Whether it answers at all."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return (await self._http.get(HEALTH)).status < 500
        except (TimeoutError, EngineProblem):
            return False

    def close(self) -> None:
        """Look no more."""
        self._http.close()

    async def _read(self) -> Reading:
        if self.engine is None:
            found = await self._detect()
            if found is None:
                return await Vllm().read(self._http)  # right if it is a page of metrics at all
            self.engine = engine_of(found)
        try:
            return await self.engine.read(self._http)
        except EngineProblem as problem:
            if problem.dead:
                raise
            other = None if self._wrong else await self._other(self.engine)
            self._wrong = True
            if self._stranger is not None:
                raise EngineProblem(f"it is {self._stranger}, not {self._configured}, as it was configured") from None
            if other is None:
                raise
            self.engine = other
            return await other.read(self._http)

    async def _detect(self) -> EngineKind | None:
        self._undetected_looks += 1
        return await detect(self._http) if self._undetected_looks % DETECT_EVERY_LOOKS == 1 else None

    async def _other(self, engine: Engine) -> Engine | None:
        """What it may be read as instead; None: nothing."""
        found = await detect(self._http)
        if found is None or same_family(found, engine.kind):
            return None
        if self._configured is not None:
            self._stranger = found
            return None
        return engine_of(found)

    def _renew(self) -> None:
        """What answers next may be another process: nothing is known of it."""
        self._undetected_looks = 0
        if self.engine is not None:
            self.engine = engine_of(self.engine.kind)
