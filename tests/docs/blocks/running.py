"""A page is read from top to bottom, and what it says is done."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import signal
import socket
import subprocess
import time
import traceback
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.docs.blocks import checking, scratch
from tests.docs.blocks.commands import commands, refused, stays
from tests.docs.blocks.pages import Block
from thunderagent.adapters.tools.bubblewrap import why_not

TIMEOUT_S = 120.0
"""Of a block of commands. The slowest takes some seconds; a machine under heavy load may take many times that."""
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 30.0
BEFORE = r"(?m)^(?P<it>(?:\S*python3? -m |scripts/run )?"
RECIPE = re.compile(BEFORE + r"recipes\.serve(?:_ray)?)(?=\s|$)")
SERVE = re.compile(BEFORE + r"thunderagent serve)(?=\s|$)")
TOP = re.compile(BEFORE + r"thunderagent top)(?=\s|$)(?!.*http://)")
AGENTS = re.compile(BEFORE + r"recipes\.serve\.agents)(?=\s|$)(?!.*--url)")
"""Commands that go to port 8300 unless they are told another."""


class Reader:
    """Does what a page says, before a gateway."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        """``ports`` stand for those that pages name."""
        self._folder = folder
        self._ports = dict(ports)
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._environment = scratch.environment(folder)
        self._ends = ExitStack()
        self._loop = self._ends.enter_context(asyncio.Runner())
        scratch.make(folder)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def read(self, block: Block) -> str:
        """Run or check one block; what is wrong, in words, and where; empty: nothing."""
        problem = self._problem(block)
        return problem and f"{block}: {problem}"

    def _problem(self, block: Block) -> str:
        if block.mark in ("gpu", "elsewhere", "no") or block.language not in ("bash", "python"):
            return checking.problem(block)
        if block.language == "python":
            return checking.problem(block) if "sandbox(" in block.text and why_not() else self._python(block)
        problem = refused(block.text)
        if problem:
            return problem
        if block.mark == "background":
            return self._start(block)
        if any(map(stays, commands(block.text))):
            return "it stays: it needs the mark of what runs in the background"
        return self._shell(block)

    def _here(self, text: str) -> str:
        """The block with this machine's ports."""
        port, engine = self._ports["8300"], self._ports["8301"]
        text = re.sub(r"\b830[01]\b", lambda match: self._ports[match[0]], text)
        text = RECIPE.sub(rf"\g<it> gateway.port={port} engine.port={engine}", text)
        text = SERVE.sub(rf"\g<it> --port {port}", text)
        text = TOP.sub(rf"\g<it> http://127.0.0.1:{port}", text)
        return AGENTS.sub(rf"\g<it> --url http://127.0.0.1:{port}", text)

    def _shell(self, block: Block) -> str:
        said = self._folder / "said"
        with _running(self._here(block.text), self._folder, self._environment, said) as process:
            try:
                status = process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                return f"not done after {TIMEOUT_S:g} s\n{block.text}{said.read_text()}"
        return f"exit status {status}\n{block.text}{said.read_text()}" if status else ""

    def _start(self, block: Block) -> str:
        """Returns once it answers: at its port if it is a gateway, else by a first line."""
        if len(commands(block.text)) != 1:
            return "a block in the background is one command"
        recipe, gateway = RECIPE.search(block.text), SERVE.search(block.text)
        if recipe or gateway:
            free = _free_ports()
            self._ports |= free if recipe else {"8300": free["8300"]}
        said = self._folder / f"said-{block.line}"
        process = self._ends.enter_context(_running(self._here(block.text), self._folder, self._environment, said))
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not (_answers(self._ports["8300"]) if recipe or gateway else said.stat().st_size):
            if process.poll() is not None or time.monotonic() > deadline_s:
                return f"it does not answer; exit status {process.poll()}\n{block.text}{said.read_text()}"
            time.sleep(0.05)
        return ""

    def _python(self, block: Block) -> str:
        output = io.StringIO()
        try:
            tree = ast.increment_lineno(ast.parse(self._here(block.text), str(block.page)), block.line - 1)
            code = compile(tree, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with contextlib.chdir(self._folder), contextlib.redirect_stdout(output):
                if code.co_flags & inspect.CO_COROUTINE:
                    self._loop.run(eval(code, self._names))
                else:
                    exec(code, self._names)
        except Exception as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(block.page)]
            where = f"line {frames[-1].lineno}: " if frames else ""
            return f"{where}{type(error).__name__}: {error}\n{output.getvalue()}"
        return ""


@contextmanager
def _running(command: str, folder: Path, environment: dict[str, str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """In a session of its own, all of which ends with the block."""
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_ports() -> dict[str, str]:
    with socket.socket() as gateway, socket.socket() as engine:
        for listening in (gateway, engine):
            listening.bind(("127.0.0.1", 0))
        return {"8300": str(gateway.getsockname()[1]), "8301": str(engine.getsockname()[1])}


def _answers(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:  # of urllib, too
        return False
