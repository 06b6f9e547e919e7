"""The terminal itself: its modes, its keys, its size; and what is drawn when."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from thunderagent.adapters.gateway.manage.live import MAX_PROGRAMS, Question
from thunderagent.adapters.gateway.manage.snapshot import Snapshot
from thunderagent.cli.top.controls import Controls, keys
from thunderagent.cli.top.feed import Feed
from thunderagent.cli.top.history import History
from thunderagent.cli.top.view import Frame, screen


async def watch(feed: Feed, question: Question) -> None:
    """Until the user quits.

    Raises:
        GatewayProblem: there is nothing to watch.
    """
    await _Screen(feed, question).run()


class _Screen:
    """One terminal."""

    def __init__(self, feed: Feed, question: Question) -> None:
        self._feed, self._question = feed, question
        self._controls = Controls(question.sort)
        self._history = History()
        self._shown: Snapshot | None = None
        self._away: str | None = None
        self._changed = asyncio.Event()
        self._console = Console(highlight=False)

    async def run(self) -> None:
        """Read the feed and the keys, and draw."""
        following = asyncio.create_task(self._follow())
        following.add_done_callback(lambda task: self._changed.set())
        try:
            with (
                _keys_at_once(sys.stdin.fileno()),
                Live(console=self._console, screen=True, auto_refresh=False) as live,
                self._listening(sys.stdin.fileno()),
            ):
                while not self._controls.over and not following.done():
                    live.update(self._drawn(), refresh=True)
                    await self._changed.wait()
                    self._changed.clear()
        finally:
            following.cancel()
            await asyncio.wait([following])
        if not following.cancelled():
            following.result()

    def _asked(self) -> Question:
        """More programs than are seen while a filter looks for some."""
        programs = MAX_PROGRAMS if self._controls.wanted else self._question.programs
        return Question(programs, self._controls.sort)

    async def _follow(self) -> None:
        async for look in self._feed.follow(self._asked):
            if isinstance(look, str):
                self._away = look
            else:
                self._away = None
                self._history.add(look.at, look.totals)
                if self._shown is None or not self._controls.paused:
                    self._shown = look
            self._changed.set()

    def _drawn(self) -> RenderableType:
        if self._shown is None:
            return Text(f"waiting for {self._feed.url}")
        options = self._console.options
        frame = Frame(self._console.width, self._console.height, options.ascii_only)
        return screen(self._shown, self._feed.url, self._history, self._controls, frame, away=self._away)

    @contextlib.contextmanager
    def _listening(self, terminal: int) -> Iterator[None]:
        """Keys and changes of the size are seen at once."""
        loop, decoder = asyncio.get_running_loop(), codecs.getincrementaldecoder("utf-8")("replace")

        def typed() -> None:
            data = os.read(terminal, 1024)
            for key in keys(decoder.decode(data)) if data else ("q",):  # a terminal that is gone
                self._controls.press(key)
            self._changed.set()

        loop.add_reader(terminal, typed)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            loop.remove_reader(terminal)


@contextlib.contextmanager
def _keys_at_once(terminal: int) -> Iterator[None]:
    """Not line by line, and not shown; Ctrl-C still interrupts."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
