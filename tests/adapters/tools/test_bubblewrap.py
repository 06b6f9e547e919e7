"""Commands in bubblewrap: what they see, what they may, and how they end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from tests.adapters.tools.local import Alive, Sandbox, in_sandbox, needs_bubblewrap, output_of
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Output, SandboxRequest
from thunderagent.runtime.tools.backend import MAX_OUTPUT_BYTES

pytestmark = needs_bubblewrap


def test_output_and_errors_come_as_they_were_written_with_the_exit_code(tmp_path: Path) -> None:
    assert output_of(tmp_path, "echo one; echo two >&2; echo three; exit 7") == Output("one\ntwo\nthree\n", 7)


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    assert output_of(tmp_path, r"printf 'a\377b'").text == "a�b"


def test_a_command_that_is_killed_has_the_exit_code_of_its_signal(tmp_path: Path) -> None:
    assert output_of(tmp_path, "kill -9 $$").exit_code == 137


def test_files_stay_between_commands_in_the_working_tree_and_in_tmp(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> Output:
        await sandbox.run("pwd > here; echo there > /tmp/there")
        return await sandbox.run("cat here /tmp/there")

    assert in_sandbox(tmp_path, scenario).text == "/workspace\nthere\n"


def test_a_command_sees_the_environment_that_was_asked_for_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    request = SandboxRequest(environment={"A": "1", "B": "2"})
    output = output_of(tmp_path, "cat /proc/1/environ; env", request, environment={"B": "3"})
    assert "secret" not in output.text
    assert {"A=1", "B=3", "HOME=/tmp"} <= set(output.text.splitlines())


def test_what_a_command_preloads_is_not_loaded_outside_of_its_sandbox(tmp_path: Path) -> None:
    output = output_of(tmp_path, "true", environment={"LD_PRELOAD": "/nowhere.so"})
    assert output.text.count("cannot be preloaded") == 1, "by its shell, and not by bwrap"


def test_the_rest_of_the_machine_is_read_only_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("x")
    output = output_of(tmp_path, f"touch /usr/x || touch /etc/x || touch /x; ls {tmp_path}; ls /proc | grep -c '^[0-9]'")
    assert not Path("/usr/x").exists() and not Path("/etc/x").exists() and not Path("/x").exists()
    assert f"cannot access '{tmp_path}'" in output.text
    assert int(output.text.splitlines()[-1]) < 8, "only its own processes"


def test_there_is_no_network_unless_it_was_asked_for(tmp_path: Path) -> None:
    def interfaces(folder: str, request: SandboxRequest) -> set[str]:
        lines = output_of(tmp_path / folder, "cat /proc/net/dev", request).text.splitlines()
        return {line.split(":")[0].strip() for line in lines if ":" in line}

    assert interfaces("without", SandboxRequest()) == {"lo"}
    with Path("/proc/net/dev").open() as ours:
        expected = {line.split(":")[0].strip() for line in ours if ":" in line}
    assert interfaces("with", SandboxRequest(network=True)) == expected


def test_commands_run_where_the_request_or_they_themselves_say(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> list[str]:
        return [(await sandbox.run("pwd")).text, (await sandbox.run("pwd", workdir="/usr")).text]

    assert in_sandbox(tmp_path, scenario, SandboxRequest(workdir="/home/me/project")) == ["/home/me/project\n", "/usr\n"]


@pytest.mark.parametrize("workdir", ["here", "/", "/a/../etc", "//a", "/a/"])
def test_a_place_that_cannot_be_is_refused_for_good(tmp_path: Path, workdir: str) -> None:
    with pytest.raises(SandboxProblem, match="must be an absolute path below /") as caught:
        output_of(tmp_path, "true", SandboxRequest(workdir=workdir))
    assert caught.value.permanent


def test_a_place_that_bubblewrap_cannot_make_is_refused_for_good(tmp_path: Path) -> None:
    with pytest.raises(SandboxProblem, match=r"a first command ended with exit code 1: bwrap: .*/usr/nowhere") as caught:
        output_of(tmp_path, "true", SandboxRequest(workdir="/usr/nowhere"))
    assert caught.value.permanent


def test_a_process_that_takes_more_memory_than_it_may_fails(tmp_path: Path) -> None:
    line = "python3 -c 'bytearray({} << 20)'"
    request = SandboxRequest(memory_bytes=200 << 20)
    assert "MemoryError" in output_of(tmp_path / "more", line.format(400), request).text
    assert output_of(tmp_path / "less", line.format(20), request) == Output("", 0)


def test_of_endless_output_both_ends_are_kept(tmp_path: Path) -> None:
    output = output_of(tmp_path, "echo begin; head -c 5000000 /dev/zero; echo; echo end")
    assert output.truncated and output.exit_code == 0
    assert output.text.startswith("begin\n") and output.text.endswith("\nend\n")
    assert len(output.text) < MAX_OUTPUT_BYTES + 100


def test_a_command_that_takes_too_long_is_killed_with_all_that_it_has_started(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> tuple[Output, bool]:
        alive = Alive(sandbox.tree / "alive")
        line = "echo begun; exec 3>alive; (setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &); sleep 1000"
        return await sandbox.run(line, timeout_s=0.3), alive.ended()

    assert in_sandbox(tmp_path, scenario) == (Output("begun\n", None), True)


def test_endless_output_does_not_keep_a_command_alive_beyond_its_time(tmp_path: Path) -> None:
    assert output_of(tmp_path, "yes", timeout_s=0.2).exit_code is None


def test_what_a_command_leaves_running_ends_with_it(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> tuple[Output, bool]:
        alive = Alive(sandbox.tree / "alive")
        return await sandbox.run("setsid sleep 1000 >alive 2>&1 & echo done"), alive.ended()

    assert in_sandbox(tmp_path, scenario) == (Output("done\n", 0), True)


def test_a_command_whose_caller_is_cancelled_is_killed(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> bool:
        alive = Alive(sandbox.tree / "alive")
        task = asyncio.create_task(sandbox.run("exec >alive; echo begun; sleep 1000"))
        await asyncio.to_thread(alive.began)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return alive.ended()

    assert in_sandbox(tmp_path, scenario)


@pytest.mark.parametrize("delay_ms", range(0, 20, 2))
def test_a_command_that_is_killed_while_it_starts_leaves_nothing(tmp_path: Path, delay_ms: int) -> None:
    """bwrap lets what it has forked die with itself only a moment later."""
    marks = [f"sleep 1000.{os.getpid()}{delay_ms:03}{number}" for number in range(8)]

    async def scenario(sandbox: Sandbox) -> list[Output]:
        return await asyncio.gather(*(sandbox.run(mark, timeout_s=delay_ms / 1000) for mark in marks))

    assert {output.exit_code for output in in_sandbox(tmp_path, scenario)} == {None}
    running = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in running for mark in marks if mark in line]


def test_a_sandbox_that_is_removed_takes_its_commands_with_it(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> None:
        alive = Alive(sandbox.tree / "alive")
        bomb = "exec 3>alive; echo begun >&3; for i in $(seq 300); do mkdir -p a/$i/$i; (sleep 1000 &); done; sleep 1000"
        task = asyncio.create_task(sandbox.run(bomb))
        await asyncio.to_thread(alive.began)
        await sandbox.backend.remove("box")
        with pytest.raises(SandboxGone, match="'box' is not there any more"):
            await task
        assert alive.ended()

    in_sandbox(tmp_path, scenario)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_a_sandbox_that_is_not_there_is_gone(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    with pytest.raises(SandboxGone):
        asyncio.run(sandbox.run("true"))
    with pytest.raises(SandboxGone, match="bubblewrap has none that others made"):
        asyncio.run(sandbox.backend.attach("somebodys"))


@pytest.mark.parametrize("line", ["echo " + "x" * 200_000, "echo \0"], ids=["too long", "a null character"])
def test_a_command_that_cannot_be_started_is_a_problem_of_its_own(tmp_path: Path, line: str) -> None:
    with pytest.raises(SandboxProblem, match="bwrap cannot be started"):
        output_of(tmp_path, line)
