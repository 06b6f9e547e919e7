"""A snapshot and the user's settings, as a screen or as plain text. Pure: nothing here asks or waits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, OverflowMethod, RenderableType
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from thunderagent.adapters.gateway.manage.snapshot import EngineNow, ProgramNow, Snapshot
from thunderagent.cli.top import words
from thunderagent.cli.top.controls import HELP, Controls
from thunderagent.cli.top.history import History
from thunderagent.cli.top.marks import ACTS, QUIET, RUNS, WAITS, WRONG, KvBar, Spark

WIDE, NARROW = 110, 64
"""Columns from which there is room for group and phase, and below which there is none for steps and reasons."""
NAME_PART = 4
"""Of the columns, at most this part is for names: reasons need more."""
STATES = {"waits": WAITS, "runs": RUNS, "tool": ACTS, "paused": QUIET}


@dataclass(frozen=True, slots=True)
class Frame:
    """The terminal."""

    width: int
    height: int
    ascii_only: bool = False


def screen(told: Snapshot, url: str, history: History, controls: Controls, frame: Frame, *, away: str | None) -> RenderableType:
    """All of it; what does not fit is cut at the bottom of each part. ``away``: why nothing newer is there."""
    engines = told.engines[: max(2, frame.height // 3 - 1)]
    layout = Layout()
    layout.split_column(
        Layout(_head(told, url, history, controls, away=away), size=4),
        Layout(_engines(engines, len(told.engines), frame), size=len(engines) + 2),
        Layout(_help() if controls.help else _programs(_wanted(told.programs, controls), told, controls, frame)),
        Layout(_foot(controls, frame), size=1),
    )
    return layout


def plain(told: Snapshot, url: str, history: History | None, width: int, *, ascii_only: bool = False) -> RenderableType:
    """The same for files and pipes, with all programs of the snapshot. No history: rates since the gateway's start."""
    frame = Frame(width, 0, ascii_only)
    engines = _engines(told.engines, len(told.engines), frame)
    return Group(_head(told, url, history, None, away=None), engines, Text(), _programs(told.programs, told, None, frame))


def state(program: ProgramNow) -> str:
    """In a word."""
    if program.state == "parked":
        return "waits"
    return "paused" if program.state == "paused" else "tool" if program.status == "acting" else "runs"


def _head(told: Snapshot, url: str, history: History | None, controls: Controls | None, *, away: str | None) -> RenderableType:
    first = Table.grid(expand=True, padding=(0, 1))
    first.add_column(no_wrap=True, ratio=1)
    first.add_column(no_wrap=True, justify="right")
    title = Text.assemble(("thunderagent top", "bold"), f"  {url}  {told.mode} {told.version}")
    first.add_row(title, _clock(told, controls, away))
    trouble = _trouble(told, away)
    return Group(first, trouble or _sums(told), _rates(told, history), Text())


def _clock(told: Snapshot, controls: Controls | None, away: str | None) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(told.at))
    if away is not None:
        return Text.assemble(("AWAY since ", WRONG), clock)
    if controls is not None and controls.paused:
        return Text.assemble(("PAUSED at ", WAITS), clock)
    return Text(clock)


def _trouble(told: Snapshot, away: str | None) -> Text | None:
    if away is not None:
        return Text(away, WRONG, no_wrap=True, overflow="crop")
    if told.totals.get("degraded"):
        return Text("scheduling has failed: turns pass through unscheduled; the gateway's log says why", WRONG, no_wrap=True)
    if told.draining:
        return Text("the gateway is about to stop: running requests end, new ones are refused", WAITS, no_wrap=True)
    return None


def _sums(told: Snapshot) -> Text:
    running = sum(engine.running_turns for engine in told.engines)
    waiting = told.totals.get("waiting_turns", 0)
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{told.programs_total:,} program{'s' * (told.programs_total != 1)}")
    text.append(f"   {running:,} running turn{'s' * (running != 1)}", RUNS if running else "")
    text.append(f"   {waiting:,.0f} waiting", WAITS if waiting else "")
    text.append(f"   {told.totals.get('steps', 0):,.0f} steps done")
    if told.totals.get("failed_steps"):
        text.append(f"   {told.totals['failed_steps']:,.0f} failed", "red")
    if told.totals.get("tools_sandboxes"):
        text.append(f"   {told.totals['tools_sandboxes']:,.0f} sandboxes")
    return text


def _rates(told: Snapshot, history: History | None) -> RenderableType:
    """Of the last minutes; without a history, since the gateway's start."""
    if history is None:
        steps_per_min, hit_rate = told.totals.get("steps_per_min"), told.totals.get("kv_hit_rate")
        speed = "-" if steps_per_min is None else f"{steps_per_min:,.0f}"
        return Text(f"since its start: {speed} steps/min, {words.percent(hit_rate)} of prompt tokens were in KV caches")
    steps_per_min, hit_rate = history.now()
    grid = Table.grid(expand=True, padding=(0, 1))
    for ratio in (None, 1, None, None, 1, None):
        grid.add_column(no_wrap=True, ratio=ratio)
    grid.add_row(
        *(Text("steps/min", QUIET), Spark(history.steps_per_min), "-" if steps_per_min is None else f"{steps_per_min:,.0f}"),
        *(Text("  KV hits", QUIET), Spark(history.hit_rate, highest=1.0), words.percent(hit_rate)),
    )
    return grid


def _engines(shown: Sequence[EngineNow], total: int, frame: Frame) -> _Table:
    table = _Table(frame)
    table.column("#", justify="right")
    table.column("ENGINE" if total == len(shown) else f"ENGINE ({len(shown)} of {total:,})")
    table.column("KV: " + _legend(frame), ratio=1, min_width=8)
    table.column("used", justify="right")
    table.column("of", justify="right")
    for title in ("runs", "hits") if frame.width >= NARROW else ():
        table.column(title, justify="right")
    for number, engine in enumerate(shown, 1):
        running_tokens = max(0, engine.committed_tokens - engine.acting_tokens)
        capacity = engine.capacity_tokens
        problem = _problem(engine)
        bar: RenderableType = KvBar(running_tokens, engine.acting_tokens, capacity)
        cells: list[RenderableType] = [
            str(number),
            Text(words.clean(engine.id.removeprefix("http://"), frame.ascii_only)),
            bar if problem is None else Text(words.clean(problem, frame.ascii_only), WRONG),
            words.percent(engine.committed_tokens / capacity) if capacity else words.tokens(engine.committed_tokens),
            "?" if capacity is None else words.tokens(capacity),
        ]
        more = [f"{engine.running_turns:,}", words.percent(engine.kv_hit_rate)]
        table.add_row(*cells, *(more if frame.width >= NARROW else ()))
    return table


def _legend(frame: Frame) -> str:
    run, act, free = list(words.ASCII_BAR if frame.ascii_only else words.BAR)
    return f"{run} turns {act} tool calls {free} free" if frame.width >= NARROW else f"{run} {act} {free}"


def _problem(engine: EngineNow) -> str | None:
    if not engine.healthy:
        return f"down: {engine.last_problem or 'it does not answer'}"
    if engine.breaker != "closed":
        return f"no requests are sent: {engine.last_problem or 'it failed'}"
    return "stopped (/pause, /sleep)" if engine.paused else "draining" if engine.draining else None


def _wanted(programs: Sequence[ProgramNow], controls: Controls) -> list[ProgramNow]:
    text = controls.wanted.lower()
    return [p for p in programs if not text or any(text in word.lower() for word in _words(p))]


def _words(program: ProgramNow) -> tuple[str, ...]:
    return (program.id, program.group, program.phase, program.tool, state(program), program.waits_for or "")


def _programs(wanted: Sequence[ProgramNow], told: Snapshot, controls: Controls | None, frame: Frame) -> RenderableType:
    if controls is not None:
        controls.first = min(controls.first, max(0, len(wanted) - 1))
    shown = wanted if controls is None else wanted[controls.first :]
    table = _Table(frame)
    title = _title(len(wanted), told, controls)
    longest = max((len(program.id) for program in shown), default=0)
    width = max(len(title), min(longest, frame.width // NAME_PART))
    table.column(title, **({"width": width} if frame.width >= NARROW else {"ratio": 1}))
    for title in ("group", "phase") if frame.width >= WIDE else ():
        table.column(title, max_width=16)
    table.column("state", min_width=6, max_width=14)
    table.column("tokens", justify="right")
    table.column("for", justify="right", min_width=5)
    if frame.width >= NARROW:
        table.column("steps", justify="right")
        table.column("#", justify="right")
        table.column("waits for", ratio=1)
    numbers = {engine.id: str(number) for number, engine in enumerate(told.engines, 1)}
    for program in shown if frame.height == 0 else shown[: frame.height]:
        table.add_row(*_row(program, numbers, frame))
    return table


def _title(wanted: int, told: Snapshot, controls: Controls | None) -> str:
    listed, total = len(told.programs), told.programs_total
    some = f" ({wanted:,} of {total:,})" if wanted != total else f" ({total:,})"
    above = f" +{controls.first}" if controls is not None and controls.first else ""
    return f"PROGRAM{some if listed or total else ''}{above}"


def _row(program: ProgramNow, numbers: dict[str, str], frame: Frame) -> list[RenderableType]:
    word = state(program)
    doing = f"tool {program.tool}" if word == "tool" and program.tool else word
    cells: list[RenderableType] = [Text(words.clean(program.id, frame.ascii_only))]
    if frame.width >= WIDE:
        cells += [Text(words.clean(text, frame.ascii_only)) for text in (program.group, program.phase)]
    cells += [Text(words.clean(doing, frame.ascii_only), STATES[word]), words.tokens(program.tokens)]
    cells.append(words.duration(program.since_s))
    if frame.width >= NARROW:
        reason = (program.waits_for or "").replace("http://", "")
        ahead = f"{program.ahead:,} ahead; " if program.ahead and "ahead of it" not in reason else ""
        cells += [f"{program.steps:,}", numbers.get(program.backend or "", "")]
        cells.append(Text(words.clean(ahead + reason, frame.ascii_only), QUIET))
    return cells


class _Table(Table):
    """Rows of one line, whose cells are cut where they do not fit."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(box=None, expand=True, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        self._cut: OverflowMethod = "crop" if frame.ascii_only else "ellipsis"

    def column(self, title: str, **more: Any) -> None:
        """One more."""
        self.add_column(title, no_wrap=True, overflow=self._cut, **more)


def _help() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for key, text in HELP:
        table.add_row(key, text)
    table.add_row()
    table.add_row(
        "states", "waits: its turn is held back; runs: it is in an engine; tool: its KV is held meanwhile; paused: given up"
    )
    table.add_row("for", "how long its turn has waited or runs, or its tool call takes")
    table.add_row(
        "hits", "share of prompt tokens that were in KV caches: above of the last seconds, of engines since their start"
    )
    table.add_row("#", "the engine where its KV is, or was last")
    return table


def _foot(controls: Controls, frame: Frame) -> Text:
    if controls.typing:
        return Text.assemble(("/", "bold"), controls.wanted, ("_", "bold"), ("   Enter keeps, Esc ends", QUIET))
    text = Text(no_wrap=True, overflow="crop")
    for key, word in (("s", f"sort: {controls.sort}"), ("/", "filter"), ("p", "pause"), ("?", "help"), ("q", "quit")):
        text.append(f"{key} ", "bold")
        text.append(f"{word}: {controls.wanted}   " if key == "/" and controls.wanted else f"{word}   ", QUIET)
    return text
