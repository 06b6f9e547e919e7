"""Sandboxes for machines without bubblewrap, as the host of sandboxes uses them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from thunderagent.adapters.tools import open_backend
from thunderagent.runtime.tools import Command, SandboxRequest
from thunderagent.tools_config import ToolsConfig

CONFIG = ToolsConfig(backend="callable", factory="examples.local_sandboxes:LocalSandboxes")


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "a.txt").write_text("a")
    return str(tmp_path / "image")


def test_a_sandbox_has_its_image_keeps_files_and_is_gone_in_the_end(image: str) -> None:
    async def scenario() -> tuple[str, int | None, str]:
        backend, request = open_backend(CONFIG), SandboxRequest(image=image)
        await backend.prepare("s", request, {})
        folder = (await backend.execute("s", request, Command("echo $B > b.txt; pwd", environment={"B": "b"}))).text.strip()
        output = await backend.execute("s", request, Command("cat a.txt b.txt; exit 3"))
        await backend.remove("s")
        return output.text, output.exit_code, folder

    text, exit_code, folder = asyncio.run(scenario())
    assert (text, exit_code) == ("ab\n", 3)
    assert not Path(folder).exists()


def test_a_command_whose_time_is_over_ends_with_all_that_it_started() -> None:
    async def scenario() -> int | None:
        backend, request = open_backend(CONFIG), SandboxRequest()
        await backend.prepare("s", request, {})
        output = await backend.execute("s", request, Command("sleep 600 & wait", timeout_s=0.2))
        await backend.remove("s")
        return output.exit_code

    assert asyncio.run(scenario()) is None
