"""What is on the screen, for any size, with and without colour."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tests.cli.top.told import URL, engine, program, snapshot, waiting
from thunderagent.adapters.gateway.manage.snapshot import Snapshot
from thunderagent.cli.top.controls import Controls
from thunderagent.cli.top.history import History
from thunderagent.cli.top.view import Frame, plain, screen


def seen(
    told: Snapshot, controls: Controls | None = None, *, width: int = 80, height: int = 24, away: str | None = None, **more: Any
) -> list[str]:
    """The lines of the screen."""
    history = History()
    for look in range(3):
        history.add(told.at + 5 * look, {"steps": 10 * look, "prompt_tokens": 100 * look, "cached_tokens": 80 * look})
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None, legacy_windows=False)
    frame = Frame(width, height, **more)
    with console.capture() as captured:
        console.print(screen(told, URL, history, controls or Controls(), frame, away=away))
    return [line.rstrip() for line in captured.get().splitlines()]


def text(told: Snapshot, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(plain(told, URL, None, width))
    return captured.get()


def test_at_80_columns_everything_that_matters_is_there() -> None:
    lines = seen(snapshot())
    assert lines[0].startswith(f"thunderagent top  {URL}  thunder 0.1.0")
    assert lines[1] == "3 programs   3 running turns   1 waiting   1,234 steps done"
    assert "120" in lines[2] and "80%" in lines[2] and "██" in lines[2]
    assert lines[5].split() == ["1", "gpu1:8000", *lines[5].split()[2:3], "60%", "100k", "3", "84%"]
    bar = lines[5].split()[2]
    assert [round(bar.count(sign) / len(bar), 1) for sign in "█▒·"] == [0.4, 0.2, 0.4]
    rows = [line.split() for line in lines[8:11]]
    assert rows[0][:5] == ["train/9", "waits", "12.4k", "8.0s", "3"]
    assert lines[8].endswith("1,000 tokens of KV cache")
    assert rows[1] == ["train/1", "runs", "12.4k", "4.2s", "3", "1"]
    assert rows[2] == ["train/2", "tool", "bash", "12.4k", "4.2s", "3", "1"]
    assert lines[23].startswith("s sort: state")


@pytest.mark.parametrize("width", [20, 40, 63, 64, 80, 110, 250])
@pytest.mark.parametrize("height", [5, 12, 24, 60])
def test_it_fits_into_any_terminal(width: int, height: int) -> None:
    many = [waiting(f"a-very-long-name-of-a-program/{number}", ahead=number) for number in range(100)]
    lines = seen(snapshot(programs=many, programs_total=100, engines=[engine()] * 9), width=width, height=height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_wide_terminals_show_groups_and_phases_and_narrow_ones_leave_reasons_out() -> None:
    wide, narrow = seen(snapshot(), width=120), seen(snapshot(), width=50)
    assert wide[9].split()[1:4] == ["train", "rollout", "runs"]
    assert "phase" not in seen(snapshot())[7]
    assert "waits for" not in narrow[7]
    assert narrow[8].split()[:2] == ["train/9", "waits"]


def test_more_engines_than_there_is_room_for_are_counted() -> None:
    lines = seen(snapshot(engines=[engine(f"http://gpu{number}:8000") for number in range(40)]))
    assert "ENGINE (7 of 40)" in lines[4]
    assert lines[11].split()[:2] == ["7", "gpu6:8000"]
    assert lines[13].startswith("PROGRAM")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"healthy": False, "last_problem": "connection refused"}, "down: connection refused"),
        ({"healthy": False}, "down: it does not answer"),
        ({"breaker": "open", "last_problem": "500 thrice"}, "no requests are sent: 500 thrice"),
        ({"breaker": "half_open"}, "no requests are sent: it failed"),
        ({"paused": True}, "stopped (/pause, /sleep)"),
        ({"draining": True}, "draining"),
    ],
)
def test_what_is_wrong_with_an_engine_takes_the_place_of_its_bar(fields: dict[str, Any], told: str) -> None:
    assert told in seen(snapshot(engines=[engine(**fields)]), width=120)[5]


def test_an_engine_whose_capacity_is_not_known_shows_what_it_holds() -> None:
    line = seen(snapshot(engines=[engine(capacity_tokens=None, kv_hit_rate=None)]))[5]
    assert line.split()[-4:] == ["60.0k", "?", "3", "-"]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (snapshot(draining=True), "the gateway is about to stop"),
        (snapshot(totals={"degraded": 1.0}), "scheduling has failed"),
        (snapshot(totals={"failed_steps": 2.0, "tools_sandboxes": 4.0}), "2 failed   4 sandboxes"),
    ],
)
def test_trouble_is_said_above(told: Snapshot, line: str) -> None:
    assert line in seen(told)[1]


def test_an_outage_is_said_over_what_was_last_seen() -> None:
    lines = seen(snapshot(), away=f"{URL}: nothing answers there")
    assert "AWAY since" in lines[0]
    assert lines[1] == f"{URL}: nothing answers there"
    assert "train/9" in lines[8]


def test_a_pause_is_said() -> None:
    assert "PAUSED at" in seen(snapshot(), Controls(paused=True))[0]


@pytest.mark.parametrize(
    ("wanted", "rows"), [("TRAIN/1", ["train/1"]), ("bash", ["train/2"]), ("waits", ["train/9"]), ("none", [])]
)
def test_a_filter_looks_into_everything_that_is_said_of_a_program(wanted: str, rows: list[str]) -> None:
    lines = seen(snapshot(), Controls(wanted=wanted))
    assert [line.split()[0] for line in lines[8:23] if line] == rows
    assert f"({len(rows)} of 3)" in lines[7]
    assert f"filter: {wanted}" in lines[23]


def test_a_filter_that_is_typed_is_seen() -> None:
    assert seen(snapshot(), Controls(wanted="ba", typing=True))[23].startswith("/ba_   Enter keeps")


def test_the_list_moves_and_its_last_program_stays() -> None:
    lines = seen(snapshot(), Controls(first=1))
    assert "+1" in lines[7]
    assert lines[8].startswith("train/1")
    controls = Controls(first=99)
    assert seen(snapshot(), controls)[8].startswith("train/2")
    assert controls.first == 2


def test_help_takes_the_place_of_the_programs() -> None:
    lines = seen(snapshot(), Controls(help=True), width=110)
    assert any(line.startswith("s ") and "another order" in line for line in lines)
    assert not any("train/9" in line for line in lines)


def test_a_terminal_that_has_ascii_alone_gets_ascii_alone() -> None:
    told = snapshot(programs=[waiting("größe/1", waits_for="…" * 80)], engines=[engine("http://köln:8000")])
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"), width=80, height=24)
    assert console.options.ascii_only
    console.print(
        screen(told, URL, History(), Controls(), Frame(80, 24, ascii_only=True), away=None)
    )  # else it cannot be encoded


def test_plain_text_has_all_programs_and_rates_since_the_start() -> None:
    many = [program(f"p{number}") for number in range(100)]
    told = text(snapshot(programs=many, programs_total=250))
    assert "PROGRAM (100 of 250)" in told
    assert "p99 " in told
    assert "since its start: 740 steps/min, 80% of prompt tokens were in KV caches" in told
    assert "since its start: - steps/min, -" in text(snapshot(totals={}))
    assert "\x1b" not in told
