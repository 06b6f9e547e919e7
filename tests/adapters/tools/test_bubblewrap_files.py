"""The files of sandboxes: what they begin with, what they take, how they go."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.adapters.tools.local import Sandbox, in_sandbox, needs_bubblewrap, output_of
from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Found, Made, SandboxRequest
from thunderagent.tools_config import ToolsConfig

pytestmark = needs_bubblewrap
LABELS = {"thunderagent.owner": "me", "thunderagent.program": "p/ä"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_text("#!/bin/sh\necho works\n")
    (folder / "bin" / "tool").chmod(0o555)
    (folder / "link").symlink_to("/nowhere")
    (folder / "bin").chmod(0o555)
    return folder


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A root file system: this machine's shell with what it needs, and files of its own."""
    root = tmp_path / "system"
    for folder in ("usr", "lib", "lib64", "testbed", "tmp", "proc", "dev"):
        (root / folder).mkdir(parents=True)
    for program in ("sh", "cat", "ls", "touch"):
        path = root / "usr" / "bin" / program
        path.parent.mkdir(exist_ok=True)
        shutil.copy(f"/bin/{program}", path)
    (root / "bin").symlink_to("usr/bin")
    for library in {line.split()[-2] for program in ("sh", "ls") for line in os.popen(f"ldd /bin/{program}") if "/" in line}:
        target = root / library[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    (root / "testbed" / "code").write_text("x = 1\n")
    return root


def test_a_folder_is_copied_as_it_is(tmp_path: Path, repository: Path) -> None:
    output = output_of(tmp_path / "root", "readlink link; bin/tool; echo > mine", SandboxRequest(image=str(repository)))
    assert (output.text, output.exit_code) == ("/nowhere\nworks\n", 0)
    assert sorted(path.name for path in repository.iterdir()) == ["bin", "link"]


def test_a_root_file_system_is_read_only_and_what_it_has_at_the_working_directory_can_be_changed(
    tmp_path: Path, system: Path
) -> None:
    request = SandboxRequest(image=str(system), workdir="/testbed")
    output = output_of(tmp_path / "root", "cat code; touch new code && ls; touch /usr/bin/x; ls /; cat /etc/hostname", request)
    assert output.text.startswith("x = 1\ncode\nnew\n")
    assert "Read-only file system\nbin\ndev\nlib\nlib64\nproc\ntestbed\ntmp\nusr\n" in output.text
    assert "/etc/hostname: No such file or directory" in output.text, "nothing of this machine is there"
    assert [path.name for path in (system / "testbed").iterdir()] == ["code"]


def test_the_working_directory_need_not_be_in_the_root_file_system(tmp_path: Path, system: Path) -> None:
    assert output_of(tmp_path / "root", "pwd; ls", SandboxRequest(image=str(system))).text == "/workspace\n"


def test_a_working_directory_that_leads_out_of_the_root_file_system_is_not_copied(tmp_path: Path, system: Path) -> None:
    (system / "out").symlink_to(tmp_path)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "file").write_text("secret")
    request = SandboxRequest(image=str(system), workdir="/out/ours")
    with pytest.raises(SandboxProblem):
        output_of(tmp_path / "root", "ls", request)
    assert list((tmp_path / "root" / "box" / "tree").iterdir()) == []


@pytest.mark.parametrize("image", ["nowhere", "/nowhere", "/etc/passwd"])
def test_a_folder_that_is_not_there_is_refused_for_good(tmp_path: Path, image: str) -> None:
    with pytest.raises(SandboxProblem, match="must be the absolute path of a folder of this machine") as caught:
        output_of(tmp_path, "true", SandboxRequest(image=image))
    assert caught.value.permanent
    assert list(tmp_path.iterdir()) == []


def test_where_folders_of_images_are_named_no_other_can_be_read(tmp_path: Path, repository: Path) -> None:
    allowed, other = tmp_path / "images", tmp_path / "other"
    shutil.copytree(repository, allowed / "one", symlinks=True)
    other.mkdir()
    (allowed / "way-out").symlink_to(other)
    config = ToolsConfig(backend="bubblewrap", images=str(allowed), image=str(repository))
    backend = BubblewrapBackend(str(tmp_path / "root"), config.image_roots())

    async def scenario() -> None:
        for number, image in enumerate((allowed / "one", repository, "")):
            await backend.prepare(str(number), SandboxRequest(image=str(image)), LABELS)
        for image in (other, allowed / "way-out", allowed / ".." / "other", "/etc"):
            with pytest.raises(SandboxProblem, match="not in a folder that images may be taken from") as caught:
                await backend.prepare("x", SandboxRequest(image=str(image)), LABELS)
            assert caught.value.permanent

    asyncio.run(scenario())
    assert ToolsConfig(images="").image_roots() == ()


def test_setup_ends_the_preparation(tmp_path: Path, repository: Path) -> None:
    request = SandboxRequest(image=str(repository), setup="bin/tool > made")
    assert output_of(tmp_path / "root", "cat made", request).text == "works\n"


def test_a_setup_that_fails_says_why_and_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(SandboxProblem, match="its setup ended with exit code 3: out of luck") as caught:
        output_of(tmp_path, "true", SandboxRequest(setup="echo out of luck; exit 3"))
    assert not caught.value.permanent


def test_disk_is_what_it_takes_and_folders_are_no_images_of_ours(tmp_path: Path) -> None:
    async def scenario() -> tuple[Made, list[Found], dict[str, int]]:
        sandbox = Sandbox(tmp_path / "root", SandboxRequest(image=str(tmp_path / "image")))
        made = await sandbox.backend.prepare("box", sandbox.request, LABELS)
        await sandbox.run("head -c 1000000 /dev/zero > more")
        return made, await sandbox.backend.found(), await sandbox.backend.images()

    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "data").write_bytes(b"x" * 1_000_000)
    made, [found], images = asyncio.run(scenario())
    assert made.disk_bytes is not None and 1_000_000 <= made.disk_bytes < 1_100_000
    assert made.image_bytes == 0 and images == {}
    assert found.disk_bytes is not None and 2_000_000 <= found.disk_bytes < 2_100_000
    assert (found.sandbox_id, found.labels) == ("box", LABELS)


@pytest.mark.parametrize("rounds", [1, 5, 10, 20, 50, 100, 1000, 5000])
def test_one_whose_preparation_was_interrupted_is_found_and_can_be_removed(tmp_path: Path, rounds: int) -> None:
    """Wherever that was: its labels are there before anything else."""

    async def scenario() -> None:
        backend = BubblewrapBackend(str(tmp_path / "root"))
        request = SandboxRequest(image=str(tmp_path / "image"), setup="sleep 1000")
        task = asyncio.create_task(backend.prepare("box", request, LABELS))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        left = list((tmp_path / "root").iterdir())
        assert [found.labels for found in await backend.found()] == ([LABELS] if left else [])
        await backend.remove("box")
        assert list((tmp_path / "root").iterdir()) == []

    (tmp_path / "image").mkdir()
    asyncio.run(scenario())


def test_all_owners_share_a_folder(tmp_path: Path) -> None:
    async def scenario() -> set[str]:
        for number in range(3):
            backend = BubblewrapBackend(str(tmp_path))
            await backend.prepare(f"box.{number}", SandboxRequest(), {"thunderagent.owner": f"owner {number}"})
        return {found.labels["thunderagent.owner"] for found in await backend.found()}

    assert asyncio.run(scenario()) == {"owner 0", "owner 1", "owner 2"}


def test_whatever_programs_have_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")

    async def scenario(sandbox: Sandbox) -> list[Found]:
        left = (
            f"ln -s {precious} out; ln -s {precious}/file file; mkdir -p closed/inner; touch closed/inner/file; chmod 0 closed;"
            "mkfifo fifo; touch -- -rf '*' \"$(printf 'a\\nb')\";"
            'python3 -c \'import os\nfor _ in range(3000): os.mkdir("d"); os.chdir("d")\'; chmod 555 /workspace /tmp'
        )
        assert (await sandbox.run(left)).exit_code == 0
        found = await sandbox.backend.found()
        await sandbox.backend.remove("box")
        await sandbox.backend.remove("box")  # what is not there is no problem
        assert await sandbox.backend.found() == []
        return found

    [found] = in_sandbox(tmp_path / "root", scenario)
    assert found.disk_bytes
    assert list((tmp_path / "root").iterdir()) == []
    assert (precious / "file").read_text() == "kept"


def test_what_cannot_be_removed_is_a_problem_and_still_known(tmp_path: Path) -> None:
    async def scenario(sandbox: Sandbox) -> None:
        (tmp_path / "rm").write_text("#!/bin/sh\necho no luck; exit 1\n")
        (tmp_path / "rm").chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
            with pytest.raises(SandboxProblem, match="cannot be removed: no luck"):
                await sandbox.backend.remove("box")
        assert [found.sandbox_id for found in await sandbox.backend.found()] == ["box"]

    in_sandbox(tmp_path / "root", scenario)
