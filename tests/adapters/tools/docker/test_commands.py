"""Commands in containers: output, exit codes, and an end to all that they have started."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.tools.docker.lab import Lab
from thunderagent.adapters.tools.docker import commands
from thunderagent.adapters.tools.docker.engine import EngineProblem
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Output
from thunderagent.runtime.tools.backend import MAX_OUTPUT_BYTES

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]
LEAVES_MUCH_BEHIND = "sleep 500 & (setsid sh -c 'sleep 600 & sleep 700' &); echo begun; sleep 800"


def test_output_and_errors_come_in_their_order_with_the_exit_code(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        line = "for i in 1 2 3; do echo out $i; echo error $i >&2; done; printf 'no UTF-8: \\377'; exit 5"
        text = "".join(f"out {i}\nerror {i}\n" for i in (1, 2, 3)) + "no UTF-8: \ufffd"
        assert await lab.sh(name, line) == Output(text, 5)

    lab.run(scenario)


def test_a_command_has_its_own_folder_and_variables_beside_the_sandboxs(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made(environment={"COLOUR": "blue"}, workdir="/work")
        command = Command("pwd; echo $COLOUR $SIZE", workdir="it's here", environment={"SIZE": "two  words; $(exit)"})
        assert (await lab.sh(name, 'mkdir "it\'s here"')).exit_code == 0
        output = await lab.backend.execute(name, lab.request(), command)
        assert output == Output("/work/it's here\nblue two words; $(exit)\n", 0)

    lab.run(scenario)


def test_a_folder_that_is_not_there_is_the_commands_problem(lab: Lab) -> None:
    async def scenario() -> None:
        output = await lab.backend.execute(await lab.made(), lab.request(), Command("echo never", workdir="/nowhere"))
        assert output.exit_code and "/nowhere" in output.text and "never" not in output.text

    lab.run(scenario)


def test_of_a_long_output_the_middle_is_left_out(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        output = await lab.sh(name, "echo begin; yes | head -c 5000000; echo end")
        assert output.truncated and output.exit_code == 0
        assert output.text.startswith("begin\ny\n") and output.text.endswith("y\nend\n")
        assert "bytes left out" in output.text
        assert len(output.text) < MAX_OUTPUT_BYTES + 100
        whole = await lab.sh(name, f"yes | head -c {MAX_OUTPUT_BYTES}")
        assert not whole.truncated and len(whole.text) == MAX_OUTPUT_BYTES

    lab.run(scenario)


def test_when_its_time_is_over_all_that_it_has_started_is_killed_and_what_it_wrote_is_kept(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        assert await lab.sh(name, LEAVES_MUCH_BEHIND, timeout_s=1.0) == Output("begun\n", None)
        assert await lab.processes(name) == []
        assert (await lab.sh(name, "echo still here")).text == "still here\n"

    lab.run(scenario)


def test_one_command_is_killed_and_another_goes_on(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        other = asyncio.create_task(lab.sh(name, "while [ ! -e /stop ]; do sleep 0.05; done; echo done"))
        await lab.sh(name, "sleep 900", timeout_s=0.2)
        await lab.sh(name, "touch /stop")
        assert await other == Output("done\n", 0)

    lab.run(scenario)


@pytest.mark.parametrize("begun", [True, False], ids=["while it runs", "when it has hardly begun"])
def test_who_stops_waiting_has_it_killed(lab: Lab, begun: bool) -> None:
    async def scenario() -> None:
        name = await lab.made()
        command = asyncio.create_task(lab.sh(name, f"touch /begun; {LEAVES_MUCH_BEHIND}"))
        await asyncio.sleep(0.01)

        async def has_begun() -> bool:
            return (await lab.sh(name, "ls /begun")).exit_code == 0

        if begun:
            await lab.eventually(has_begun)
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        assert await lab.processes(name) == []

    lab.run(scenario)


def test_a_command_that_closes_its_output_is_waited_for(lab: Lab) -> None:
    async def scenario() -> None:
        assert await lab.sh(await lab.made(), "echo first; exec >&- 2>&-; sleep 0.3; exit 7") == Output("first\n", 7)

    lab.run(scenario)


def test_a_command_that_kills_itself_does_not_end_the_sandbox(lab: Lab) -> None:
    async def scenario() -> None:
        assert await lab.sh(await lab.made(), "kill -9 $$") == Output("", 137)

    lab.run(scenario)


def test_a_container_that_is_gone_or_stopped_is_gone(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        lab.containers.podman("kill", name)
        with pytest.raises(SandboxGone, match=f"container '{name}' is not there or does not run any more"):
            await lab.sh(name, "true")
        await lab.backend.remove(name)
        with pytest.raises(SandboxGone, match=f"container '{name}' is not there or does not run any more"):
            await lab.sh(name, "true")

    lab.run(scenario)


@pytest.mark.parametrize("how", ["kill", "rm --force --time=0"])
def test_a_container_that_goes_while_a_command_runs_is_gone(lab: Lab, how: str) -> None:
    async def scenario() -> None:
        name = await lab.made()
        command = asyncio.create_task(lab.sh(name, "touch /begun; sleep 900"))

        async def has_begun() -> bool:
            return (await lab.sh(name, "ls /begun")).exit_code == 0

        await lab.eventually(has_begun)
        lab.containers.podman(*how.split(), name)
        with pytest.raises(SandboxGone):
            await command

    lab.run(scenario)


def test_what_cannot_be_killed_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has emptied its environment cannot be told from others'."""
    monkeypatch.setattr(commands, "KILL_TIMEOUT_S", 2.0)

    async def scenario() -> None:
        with pytest.raises(SandboxProblem, match="could not be killed within 2 s"):
            await lab.sh(await lab.made(), "exec env -i sleep 900", timeout_s=0.2)

    lab.run(scenario)


def test_a_command_that_the_engine_has_forgotten_does_not_take_its_container_with_it(lab: Lab) -> None:
    async def scenario() -> None:
        name, forgotten = await lab.made(), EngineProblem("container engine: no such exec session", 404)
        told = commands.Commands(lab.backend._engine)
        assert await told._was_forgotten(name, forgotten)
        assert not await told._was_forgotten(name, EngineProblem("container engine: no such container", 404))
        await lab.backend.remove(name)
        assert not await told._was_forgotten(name, forgotten)

    lab.run(scenario)
