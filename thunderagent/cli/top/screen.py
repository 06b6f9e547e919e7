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
from typing import Self

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
        terminal = sys.stdin.fileno()
        live = Live(console=self._console, screen=True, auto_refresh=False)
        asked, following = self._asked(), asyncio.create_task(self._follow(self._asked()))
        try:
            with _Keys(terminal) as modes, live, self._listening(terminal, live, modes):
                while not self._controls.over and not following.done():
                    live.update(self._drawn(), refresh=True)
                    await self._changed.wait()
                    self._changed.clear()
                    if self._asked() != asked:
                        following.cancel()
                        asked, following = self._asked(), asyncio.create_task(self._follow(self._asked()))
        finally:
            following.cancel()
            await asyncio.wait([following])
        if not following.cancelled():
            following.result()

    def _asked(self) -> Question:
        """More programs than are seen while a filter looks for some."""
        programs = MAX_PROGRAMS if self._controls.wanted else self._question.programs
        return Question(programs, self._controls.sort)

    async def _follow(self, question: Question) -> None:
        try:
            async for look in self._feed.follow(question):
                if isinstance(look, str):
                    self._away = look
                else:
                    self._away = None
                    self._history.add(look.at, look.totals)
                    if self._shown is None or not self._controls.paused:
                        self._shown = look
                self._changed.set()
        finally:
            self._changed.set()

    def _drawn(self) -> RenderableType:
        if self._shown is None:
            return Text(f"waiting for {self._feed.url}")
        options = self._console.options
        frame = Frame(self._console.width, self._console.height, options.ascii_only)
        return screen(self._shown, self._feed.url, self._history, self._controls, frame, away=self._away)

    @contextlib.contextmanager
    def _listening(self, terminal: int, live: Live, modes: _Keys) -> Iterator[None]:
        """Keys, changes of the size and Ctrl-Z are seen at once."""
        loop, decoder = asyncio.get_running_loop(), codecs.getincrementaldecoder("utf-8")("replace")

        def typed() -> None:
            data = os.read(terminal, 1024)
            for key in keys(decoder.decode(data)) if data else ("q",):  # a terminal that is gone
                self._controls.press(key)
            self._changed.set()

        def suspend() -> None:
            live.stop()
            modes.leave()
            os.kill(os.getpid(), signal.SIGSTOP)  # goes on here after the shell's fg
            modes.enter()
            live.start()
            self._changed.set()

        loop.add_reader(terminal, typed)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        loop.add_signal_handler(signal.SIGTSTP, suspend)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGWINCH)
            loop.remove_reader(terminal)


class _Keys:
    """A terminal that gives keys at once and does not show them; Ctrl-C still interrupts. Its modes come back at the end."""

    def __init__(self, terminal: int) -> None:
        self._terminal, self._before = terminal, termios.tcgetattr(terminal)

    def enter(self) -> None:
        """Keys at once."""
        tty.setcbreak(self._terminal)

    def leave(self) -> None:
        """As it was."""
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()
