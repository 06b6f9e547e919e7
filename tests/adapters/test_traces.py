"""Trace files, and that what the runtime records comes back as what was run."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from thunderagent.adapters.traces import open_trace
from thunderagent.adapters.tracking import ProfileWriter
from thunderagent.core import DefaultPolicy, Usage
from thunderagent.errors import TraceImportError
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.simulation.catalogue import RL_BATCH
from thunderagent.simulation.script import Script, ScriptedTurn

TICK_S = 1 / 64
"""Times that are multiples of it are exact in binary: differences of Unix times, too."""
LINE = json.dumps({"program_id": "p", "step_id": 1, "prompt_tokens": 10, "completion_tokens": 2}) + "\n"


def binary(script: Script) -> Script:
    turns = (
        ScriptedTurn(turn.new_tokens, turn.output_tokens, turn.tool, round(turn.tool_s / TICK_S) * TICK_S)
        for turn in script.turns
    )
    return Script(script.program_id, tuple(turns), script.group, script.shared_tokens)


async def run(runtime: Runtime, script: Script, clock: list[float]) -> None:
    context = 0
    for turn in script.turns:
        prompt = turn.prompt_tokens(context)
        async with runtime.turn(script.program_id, prompt_tokens=prompt, group=script.group) as running:
            clock[0] += TICK_S * turn.output_tokens
            running.finish(Usage(prompt, turn.output_tokens, prompt - turn.new_tokens), tool=turn.tool)
        clock[0] += turn.tool_s
        context = prompt + turn.output_tokens
    runtime.release(script.program_id)


@pytest.mark.parametrize("name", ["profile.jsonl", "profile.jsonl.gz"])
def test_what_the_runtime_records_comes_back_as_the_programs_that_ran(tmp_path: Path, name: str) -> None:
    compacted = Script(
        "compacted", (ScriptedTurn(90, 9, "bash", 2.0), ScriptedTurn(50, 9, "sum", 1.0), ScriptedTurn(20, 9, "", 0.0, 64))
    )
    scripts = [*(binary(RL_BATCH.script(1, index)) for index in range(10)), compacted]
    clock = [100.0]
    writer = ProfileWriter(tmp_path, StepProfile)
    runtime = Runtime(DefaultPolicy(), clock=lambda: clock[0], wall_clock=lambda: 1e9 + clock[0], on_step=writer.put)
    runtime.add_backend("e", None)

    async def all_of_them() -> None:
        for script in scripts:
            await run(runtime, script, clock)

    asyncio.run(all_of_them())
    writer.close()
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "profile.jsonl").read_bytes()))
    trace = open_trace(tmp_path / name)

    assert trace.format == "profile"
    assert list(trace.scripts) == scripts
    assert trace.arrivals_s[1] == sum(turn.tool_s + TICK_S * turn.output_tokens for turn in scripts[0].turns)


def test_a_byte_order_mark_and_bytes_that_are_no_text_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbf" + LINE.encode() + b"\xff\xfe\x00\n")
    trace = open_trace(tmp_path / "t")
    assert (trace.turns, trace.broken_lines) == (1, 1)


@pytest.mark.parametrize("damage", ["missing", "directory", "cut", "mangled"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "trace.gz"
    if damage == "directory":
        path.mkdir()
    elif damage == "cut":
        path.write_bytes(gzip.compress(LINE.encode() * 1000)[:-12])
    elif damage == "mangled":
        path.write_bytes(gzip.compress(LINE.encode())[:12] + b"\x07" * 40)
    with pytest.raises(TraceImportError, match=r"trace\.gz cannot be read"):
        open_trace(path)


def test_a_file_with_nothing_usable_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(TraceImportError, match=r"empty: no line has a known format"):
        open_trace(tmp_path / "empty")
