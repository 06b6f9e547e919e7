"""In a real terminal: what is seen, what keys do, what outages and odd terminals change."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

pytest.importorskip("openai")

from recipes.serve.agents.agent import Plan
from recipes.serve.agents.crowd import run_crowd
from tests.adapters.gateway.clients.running import Running, embedded_engine, gateway_before
from tests.adapters.gateway.manage.support import Gateway
from tests.cli.top.gateway import Served, free_port
from tests.cli.top.terminal import Terminal
from thunderagent.core import CapPolicy

LEAVE_SCREEN, SHOW_CURSOR = b"\x1b[?1049l", b"\x1b[?25h"


def crowd() -> Gateway:
    """Two run, three wait."""
    gateway = Gateway(policy=CapPolicy(1))
    for number in range(5):
        gateway.arrive(f"train/{number}", 1_000 * (number + 1), group="train")
    return gateway


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    with Served(port, crowd):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def serving() -> Iterator[Running]:
    """A whole gateway before an embedded engine."""
    with embedded_engine() as engine, gateway_before(engine, options=("--router", "cap", "--programs-per-engine", 2)) as gateway:
        yield gateway


def test_real_agents_are_seen_as_they_run_wait_and_end(serving: Running) -> None:
    plan = Plan(turns=8, first_chars=4_000, observation_chars=200, answer_tokens=40, think_s=0.05)
    tallies = []

    def run_agents() -> None:
        tallies.append(asyncio.run(run_crowd(serving.url, 6, plan, api_key="none", on_step=lambda tally: None)))

    agents = threading.Thread(target=run_agents)
    with Terminal(serving.url, "--interval", "100ms") as terminal:
        terminal.until(lambda text: "0 programs" in text)
        agents.start()
        text = terminal.until(lambda text: "6 programs" in text and " waits " in text)
        assert "█" in text or "▒" in text
        terminal.until(lambda text: "0 programs" in text and "48 steps done" in text)
        terminal.press("q")
        assert terminal.until_over() == 0
    agents.join()
    assert len(tallies[0].done) == 48


def test_keys_sort_filter_explain_pause_and_quit(url: str) -> None:
    with Terminal(url, "--interval", "200ms") as terminal:
        terminal.until(lambda text: "train/2" in text)
        terminal.press("ss")
        terminal.until(lambda text: "sort: tokens" in text and text.index("train/4") < text.index("train/0"))
        terminal.press("/train/3\r")
        terminal.until(lambda text: "(1 of 5)" in text and "train/4" not in text)
        terminal.press("\x1b")
        terminal.until(lambda text: "train/4" in text)
        terminal.press("?")
        terminal.until(lambda text: "another order of programs" in text)
        terminal.press("x")
        terminal.until(lambda text: "train/4" in text)
        terminal.press("p")
        terminal.until(lambda text: "PAUSED at" in text)
        terminal.press("q")
        assert terminal.until_over() == 0
        assert LEAVE_SCREEN in terminal.sent
        assert SHOW_CURSOR in terminal.sent


def test_another_order_is_there_at_once_though_looks_are_rare(url: str) -> None:
    with Terminal(url, "--interval", "60s") as terminal:
        terminal.until(lambda text: "train/2" in text)
        terminal.press("ss")
        terminal.until(lambda text: "sort: tokens" in text and text.index("train/4") < text.index("train/0"))


def test_another_size_is_filled_at_once(url: str) -> None:
    with Terminal(url, "--interval", "60s") as terminal:
        terminal.until(lambda text: "q quit" in text)
        terminal.resize(132, 40)
        terminal.until(lambda text: "group" in text and len(text.split("\n")) == 40 and "q quit" in text.split("\n")[39])
        terminal.resize(60, 12)
        terminal.until(lambda text: "waits for" not in text and "q quit" in text.split("\n")[11])


def test_a_gateway_that_goes_away_is_said_and_seen_again_when_it_is_back() -> None:
    port = free_port()
    with ExitStack() as first, Terminal(f"http://127.0.0.1:{port}", "--interval", "200ms", columns=100) as terminal:
        first.enter_context(Served(port, crowd))
        terminal.until(lambda text: "train/2" in text)
        first.close()
        text = terminal.until(lambda text: "AWAY since" in text)
        assert "nothing answers there" in text
        assert "train/2" in text
        with Served(port, crowd):
            terminal.until(lambda text: "AWAY" not in text and "5 programs" in text)
            terminal.press("q")
            assert terminal.until_over() == 0


@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_end_it_and_leave_the_terminal_as_it_was(url: str, end: str) -> None:
    with Terminal(url) as terminal:
        before = termios.tcgetattr(terminal.child.child_fd)
        terminal.until(lambda text: "train/2" in text)
        assert termios.tcgetattr(terminal.child.child_fd) != before
        terminal.press(end)
        assert terminal.until_over() == (130 if end == "\x03" else 0)
        assert terminal.modes_at_end == before
        assert terminal.sent.rstrip().endswith((SHOW_CURSOR, LEAVE_SCREEN))


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(url: str) -> None:
    with Terminal(url) as terminal:
        terminal.until(lambda text: "train/2" in text)
        terminal.press("\x1a")
        terminal.until(lambda text: LEAVE_SCREEN in terminal.sent)
        os.kill(terminal.child.pid, signal.SIGCONT)
        written = len(terminal.sent)
        terminal.until(lambda text: b"train/2" in terminal.sent[written:])
        terminal.press("q")
        assert terminal.until_over() == 0


def test_colours_are_the_terminals_own_and_none_where_none_are_wanted(url: str) -> None:
    with Terminal(url) as terminal:
        terminal.until(lambda text: "q quit" in text)
        assert {"green", "brown", "default"} <= terminal.colours  # brown: what pyte calls yellow
    with Terminal(url, NO_COLOR="1") as terminal:
        terminal.until(lambda text: "q quit" in text)
        assert terminal.colours == {"default"}


def test_a_terminal_without_a_screen_gets_a_block_of_text_at_each_look(url: str) -> None:
    with Terminal(url, "--interval", "100ms", rows=60, TERM="dumb") as terminal:
        text = terminal.until(lambda text: text.count("thunderagent top") >= 2)
        assert "train/4" in text
        assert b"\x1b" not in terminal.sent


def test_a_wrong_address_is_one_line_and_no_screen() -> None:
    port = free_port()
    with Terminal(f"http://127.0.0.1:{port}", columns=200) as terminal:
        assert terminal.until_over() == 2
        assert f"error: http://127.0.0.1:{port}: nothing answers there" in terminal.text
