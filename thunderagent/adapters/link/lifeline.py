"""The gateway's side of one link: dials for ever, says hello, tells each second that it lives, notices when nobody answers."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Protocol

from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.transport import Dial, Link
from thunderagent.errors import LinkError

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.05, 2.0
"""A scheduler that is restarted at once is found at once; one that stays away is not hammered at."""
BEAT_S = 1.0
SILENT_S = 5.0
"""Longer than a scheduler's loop is ever busy; until then, turns that arrive wait for it."""


class Owner(Protocol):
    """Who uses the link."""

    def up(self, welcome: m.Welcome) -> None:
        """Messages may be sent."""
        ...

    def down(self) -> None:
        """Messages go nowhere."""
        ...

    def message(self, message: m.Message) -> None:
        """Any but those of the link itself."""
        ...

    def beat(self) -> m.Http:
        """What is to be told now, each second."""
        ...


class Lifeline:
    """Also the receiver of its link. ``send`` may be called at any time."""

    def __init__(self, dial: Dial, owner: Owner, token: str = "", *, clock: Callable[[], float] = time.monotonic) -> None:
        """``token``: what the scheduler wants to be shown."""
        self._dial, self._owner, self._token, self._clock = dial, owner, token, clock
        self._link: Link | None = None
        self._gone: asyncio.Future[str] | None = None
        self._heard_s = 0.0
        self._said = ""
        self.connected = False
        """Whether the scheduler has welcomed us."""
        self.lost_at: float | None = time.time()
        """Since when there is no scheduler, in Unix time; None: there is one."""

    def send(self, message: m.Message) -> None:
        """To the scheduler; nowhere, while there is none."""
        if self.connected and self._link is not None:
            self._link.send(m.encode(message))

    async def run(self) -> None:
        """Until it is cancelled."""
        delay_s = FIRST_RETRY_S
        try:
            while True:
                was = self._said
                try:
                    reason = await self._live()
                except LinkError as error:
                    reason = str(error)
                if self.lost_at is None:
                    delay_s = FIRST_RETRY_S
                self._lost(reason, again=was)
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
                delay_s = min(2 * delay_s, LAST_RETRY_S)
        finally:
            if self.connected:
                self.send(self._owner.beat())
            self.close()

    def close(self) -> None:
        """Say no more."""
        link, self._link, self.connected = self._link, None, False
        if link is not None:
            link.close()

    async def _live(self) -> str:
        """One link, to its end; gives the reason.

        Raises:
            LinkError: nobody is there.
        """
        self._gone = asyncio.get_running_loop().create_future()
        self._link = await self._dial(self)
        self._heard_s = self._clock()
        self._link.send(m.encode(m.Hello(m.VERSION, self._token)))
        while True:
            done, _ = await asyncio.wait({self._gone}, timeout=BEAT_S)
            if done:
                return self._gone.result()
            if self._clock() - self._heard_s > SILENT_S:
                return f"it has said nothing for {SILENT_S:g} s"
            if self.connected:
                self.send(self._owner.beat())

    def _lost(self, reason: str, *, again: str) -> None:
        self.close()
        self._said = reason
        if self.lost_at is None:
            self.lost_at = time.time()
            logger.warning(
                "the scheduler is lost: %s; running turns go on, others pass through unscheduled until it is back", reason
            )
            self._owner.down()
        elif reason != again:
            logger.warning("there is no scheduler: %s; it is looked for", reason)

    # Receiver

    def received(self, frame: bytes) -> None:
        """From the link."""
        self._heard_s = self._clock()
        try:
            message = m.read_scheduler(frame)
        except m.BROKEN as error:
            self.lost(f"it sent what is no message ({m.shown(error)})")
            return
        if isinstance(message, m.Denied):
            self.lost(f"this gateway was sent away, as it {message.reason}")
        elif isinstance(message, m.Welcome):
            self._welcomed(message)
        elif self.connected and not isinstance(message, m.Alive):
            self._owner.message(message)

    def lost(self, reason: str) -> None:
        """From the link."""
        self.connected = False
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(reason)

    def _welcomed(self, welcome: m.Welcome) -> None:
        if welcome.version != m.VERSION:
            self.lost(
                f"it speaks version {welcome.version} of the link, this gateway {m.VERSION}: install one thunderagent on both"
            )
            return
        if self._said:
            logger.warning("the scheduler is there")
        self.connected, self.lost_at, self._said = True, None, ""
        self._owner.up(welcome)
