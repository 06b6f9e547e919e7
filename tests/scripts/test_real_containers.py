"""The container engine for tests: started once by however many ask, and ended without a trace of its processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.containers import Containers

SCRIPT = Path(__file__).parents[2] / "scripts" / "real-containers"


def script(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable} | variables
    return subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)


def processes_of(folder: Path) -> list[bytes]:
    run = b"thunderagent-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:8].encode()
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(file.read_bytes())
    return [command for command in found if os.fsencode(folder) in command or run in command]


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_it_is_started_once_and_stopped_with_its_containers(containers: Containers, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    try:
        with ThreadPoolExecutor() as threads:
            setups = list(threads.map(lambda _: script("setup", "--folder", str(folder)), range(2)))
        assert [done.returncode for done in setups] == [0, 0], setups[0].stderr
        assert setups[0].stdout == setups[1].stdout
        assert len(processes_of(folder)) == 2, "podman and the registry, once"
        settings = dict(line.removeprefix("export ").split("=", 1) for line in setups[0].stdout.splitlines())
        own = Containers(settings)
        assert containers.image in own.podman("images", "--format={{.Repository}}:{{.Tag}}")
        own.podman("run", "--detach", "--name", "left", own.image, "sleep", "1000")
        assert "left" not in containers.names(), "others' are not seen"
    finally:
        stopped = script("stop", "--folder", str(folder))
        subprocess.run(["umount", folder / "storage" / "overlay"], check=False)
    assert stopped.returncode == 0, stopped.stderr
    assert processes_of(folder) == []


def test_what_is_not_installed_is_named_where_it_cannot_be_installed(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to("/bin/bash")
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    done = script("setup", "--folder", str(tmp_path / "own"), PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("error: not installed: bubblewrap, busybox-static, ")


def test_without_a_registry_nothing_is_published(tmp_path: Path) -> None:
    done = script("publish", "a/b:1", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "error: the registry does not run: scripts/real-containers setup starts it\n"


def test_stopping_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert script("stop", "--folder", str(tmp_path / "nothing")).returncode == 0
