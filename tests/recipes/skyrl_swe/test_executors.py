"""The repository of a task gets into sandboxes that are not made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("minisweagent")
from recipes.skyrl_swe.executors import in_sandbox
from recipes.skyrl_swe.repository import template_repository, unpacking, writing
from recipes.skyrl_swe.tasks import load_tasks
from tests.containers import Containers
from tests.runtime.tools.threads import living
from thunderagent.adapters.tools.docker import DockerBackend
from thunderagent.runtime.tools import ToolSettings

BASH = r'#!/bin/sh\nexec sh "$@"\n'
"""Of an image that has none."""
LONGEST_COMMAND_BYTES = 128 * 1024
"""Of Linux, for one argument."""


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_it_is_unpacked_in_a_container_before_the_first_command(containers: Containers, tmp_path: Path) -> None:
    task = next(iter(load_tasks().values()))
    with living(DockerBackend(containers.url), settings=ToolSettings()) as thread:
        sandbox = in_sandbox(
            template_repository(task, tmp_path),
            sandboxes=thread.tools,
            program_id="p",
            image=containers.image,
            setup=f"printf '{BASH}' > /bin/bash && chmod +x /bin/bash",
            start_s=0.01,
        )
        output = sandbox.execute({"command": "pwd; ls README.md; cat .git/HEAD"})["output"]
        assert output == "/testbed\nREADME.md\nref: refs/heads/main\n"
        sandbox.execute({"command": writing("a.txt", b"some 'bytes'\n")})
        assert sandbox.execute({"command": "cat a.txt"})["output"] == "some 'bytes'\n"


def test_every_repository_fits_into_one_command(tmp_path: Path) -> None:
    for task in load_tasks().values():
        assert len(unpacking(template_repository(task, tmp_path))) < LONGEST_COMMAND_BYTES / 2
