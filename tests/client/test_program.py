"""A program has the same sandboxes over a gateway as in the process that makes them."""

from __future__ import annotations

import asyncio

import pytest

from tests.client.conftest import PORT, Opened, run
from thunderagent.errors import SandboxGone, SandboxRefused


def test_commands_run_in_a_sandbox_that_goes_with_its_block(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("run/1") as program:
            async with program.sandbox(setup="echo 7 > number", environment={"A": "1"}) as sandbox:
                output = await sandbox.execute("cat number; echo $A $B; pwd; exit 3", environment={"B": "2"}, workdir="/tmp")
                assert (output.exit_code, output.truncated) == (3, False)
                assert output.text.splitlines()[-2:] == ["1 2", "/tmp"]
                assert (await sandbox.execute("cat number")).text == "7\n"
                assert [view.id for view in await program.sandboxes()] == [sandbox.id]
            assert await program.sandboxes() == []
            with pytest.raises(SandboxGone):
                await sandbox.execute("true")

    run(scenario)


def test_a_command_that_takes_too_long_has_no_exit_code(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("slow") as program, program.sandbox() as sandbox:
            assert (await sandbox.execute("sleep 1000", timeout_s=0.2)).exit_code is None

    run(scenario)


def test_what_was_prepared_is_what_is_asked_for(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("early") as program:
            await program.prepare(setup="echo early > when")
            (announced,) = await program.sandboxes()
            async with program.sandbox(setup="echo early > when") as sandbox:
                assert sandbox.id == announced.id
                assert (await sandbox.execute("cat when")).text == "early\n"

    run(scenario)


def test_a_program_is_released_however_its_block_is_left(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made:
            with pytest.raises(ZeroDivisionError):
                async with made("failed") as program:
                    await program.acquire()
                    raise ZeroDivisionError
            assert await program.sandboxes() == []

            async def agent() -> None:
                async with made("cancelled") as program:
                    await program.acquire()
                    has_one.set()
                    await asyncio.Event().wait()

            has_one = asyncio.Event()
            task = asyncio.create_task(agent())
            await has_one.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with made("cancelled") as program:
                assert await program.sandboxes() == []

    run(scenario)


def test_a_task_that_is_cancelled_while_it_waits_gives_its_sandbox_up(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("impatient") as program:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await program.acquire(setup="sleep 2")
            async with asyncio.timeout(10):
                while await program.sandboxes():  # noqa: ASYNC110 - it is told by nobody
                    await asyncio.sleep(0.01)

    run(scenario)


def test_a_sandbox_that_there_cannot_be_is_refused_with_the_reason(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("wrong") as program:
            with pytest.raises(SandboxRefused, match="/no/such/folder") as refused:
                await program.acquire(image="/no/such/folder")
            assert refused.value.retry_after_s is None
            assert str(refused.value).count("no sandbox for program") == 1

    run(scenario)


def test_ports_are_leased_until_their_program_is_over(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("first") as first, made("second") as second:
            assert await first.port() == PORT
            with pytest.raises(SandboxRefused) as refused:
                await second.port()
            assert refused.value.retry_after_s == 10
            await first.release()
            assert await second.port() == PORT

    run(scenario)


def test_what_is_not_there_cannot_be_attached(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("p") as program:
            with pytest.raises(SandboxGone, match="nowhere"):
                await program.attach("nowhere")

    run(scenario)


def test_a_misspelt_wish_is_an_error_and_not_left_out(programs: Opened) -> None:
    async def scenario() -> None:
        async with programs() as made, made("p") as program:
            with pytest.raises(TypeError, match="imgae"):
                await program.acquire(imgae="python")  # type: ignore[call-arg]
            with pytest.raises(TypeError, match="imgae"):
                await program.prepare(imgae="python")  # type: ignore[call-arg]

    run(scenario)


@pytest.mark.parametrize("program_id", ["train/5_0", "..", "a b/ü", "p%2Fq", "x/tools/y"])
def test_any_id_reaches_its_program(programs: Opened, program_id: str) -> None:
    async def scenario() -> None:
        async with programs() as made, made(program_id) as program:
            assert await program.sandboxes() == []
            async with program.sandbox() as sandbox:
                assert (await sandbox.execute("echo here")).text == "here\n"

    run(scenario)
