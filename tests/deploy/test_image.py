"""The container image: linted, and built and run on a base of this machine where a container engine is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import Containers
from tests.deploy.conftest import ROOT, Tools

BASE, IMAGE = "localhost/thunderagent-base:1", "localhost/thunderagent-test:1"
PACKAGES = "python3,python3-venv"
WITHIN_S = 60.0


def test_the_dockerfile_has_nothing_that_hadolint_minds(tools: Tools) -> None:
    assert tools.hadolint(ROOT / "Dockerfile") == ""


def test_hadolint_would_find_something(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd / && apt-get install python3\n")

    assert "DL3006" in tools.hadolint(tmp_path / "Dockerfile")


def test_only_what_the_wheel_is_made_of_goes_into_the_build() -> None:
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY p")
        for word in line.split()[1:-1]
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied <= let_in
    assert all((ROOT / name).exists() for name in let_in)


@pytest.fixture(scope="module")
def image(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Built from this checkout on a Debian that debootstrap makes, as no registry need be there."""
    environment = os.environ | containers.environment
    if shutil.which("debootstrap") is None:
        pytest.skip("no base image: debootstrap is not installed (a package of Debian)")
    if subprocess.run(["podman", "image", "exists", BASE], env=environment, check=False).returncode:
        root = tmp_path_factory.mktemp("base") / "root"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", *_suite_and_mirror(root)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"no base image: debootstrap: {made.stdout.strip().splitlines()[-1]}")
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["podman", "import", "-", BASE], stdin=tar.stdout, env=environment, check=True, capture_output=True)
        shutil.rmtree(root)
    build = ["podman", "build", "--format", "docker", "--network", "host", "--build-arg", f"BASE={BASE}", "--tag", IMAGE]
    done = subprocess.run([*build, *_as_pip_is_set_up(), ROOT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield IMAGE
    containers.podman("rmi", "--force", IMAGE)
