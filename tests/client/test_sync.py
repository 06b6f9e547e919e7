"""The same without ``await``, from threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.client.conftest import PORT, settings
from thunderagent.adapters.tools import open_tools
from thunderagent.client import LocalProgram, SyncProgram
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import SandboxGone


def test_agents_in_threads_have_a_sandbox_each(gateway: EmbeddedGateway) -> None:
    def agent(number: int) -> str:
        with SyncProgram(f"threads/{number}", gateway.url) as program:
            assert program.extra_body == {"program_id": f"threads/{number}"}
            program.prepare(setup=f"echo {number} > name")
            with program.sandbox(setup=f"echo {number} > name") as sandbox:
                assert [view.id for view in program.sandboxes()] == [sandbox.id]
                assert sandbox.execute("exit 3", timeout_s=30).exit_code == 3
                return sandbox.execute("cat name").text

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(agent, range(8))) == [f"{number}\n" for number in range(8)]
    assert [thread.name for thread in threading.enumerate()].count("thunderagent-client") == 1


def test_a_program_without_a_block_is_closed_by_hand(gateway: EmbeddedGateway) -> None:
    program = SyncProgram("by hand", gateway.url)
    sandbox = program.acquire()
    assert program.port() == PORT
    sandbox.give_back()
    with pytest.raises(SandboxGone):
        sandbox.give_back()
    with pytest.raises(SandboxGone):
        program.attach("nowhere")
    program.release()
    program.close()
    with SyncProgram("another", gateway.url) as another:
        assert another.port() == PORT


def test_a_local_program_serves_other_threads_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = open_tools(settings(tmp_path))
        loop = asyncio.get_running_loop()

        def agent() -> str:
            with SyncProgram("", of=(LocalProgram("local", host), loop)) as program, program.sandbox() as sandbox:
                return f"{program.id}: {sandbox.execute('echo here').text}"

        assert await asyncio.to_thread(agent) == "local: here\n"
        await host.close()

    asyncio.run(scenario())
