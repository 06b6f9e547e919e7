"""The container image: linted, and built and run on a base of this machine where a container engine is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import Containers
from tests.deploy.conftest import ROOT, Tools

BASE, IMAGE = "localhost/thunderagent-base:1", "localhost/thunderagent-test:1"
SUITE, PYTHON, PACKAGES = "bookworm", (3, 11), "python3,python3-venv"
EXTRAS = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ARG EXTRAS=")).partition("=")[2]
WITHIN_S = 60.0
pytestmark = pytest.mark.timeout(900)  # the base and the wheels are minutes of work the first time
READY = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8300/ready")
except urllib.error.HTTPError as error:
    print(error.read().decode())
"""


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
    """Built from this checkout, without a network: on a Debian that debootstrap makes, from wheels that pip has got before."""
    folder = tmp_path_factory.mktemp("image")
    environment = os.environ | containers.environment
    if subprocess.run(["podman", "image", "exists", BASE], env=environment, check=False).returncode:
        make_base(folder / "root", environment)
    get_wheels(folder / "wheels")
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    mounts = (f"--volume={folder}/wheels:/wheels:ro", f"--volume={folder}/pip.conf:/etc/pip.conf:ro")
    containers.podman(
        *("build", "--format=docker", "--network=none", *mounts, f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", str(ROOT))
    )
    try:
        yield IMAGE
    finally:
        containers.podman("rmi", "--force", IMAGE)


def make_base(root: Path, environment: dict[str, str]) -> None:
    """It stays for the next run: a minute's work."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("no base image: root makes it with debootstrap (a package of Debian)")
    mirror = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root), *mirror.stdout.split()[:1]]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no base image: debootstrap: {(made.stdout + made.stderr).strip().splitlines()[-1]}")
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["podman", "import", "-", BASE], stdin=tar.stdout, env=environment, check=True, capture_output=True)
    shutil.rmtree(root)


def get_wheels(folder: Path) -> None:
    """All that the build installs, for the Python of the base: the same as ours, or there is no image."""
    if sys.version_info[:2] != PYTHON:
        pytest.skip(f"no wheels for the base image: it has Python {PYTHON[0]}.{PYTHON[1]}, here is {sys.version.split()[0]}")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder), "--constraint", "requirements.lock"]
    done = subprocess.run([*command, f".[{EXTRAS}]", "hatchling"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def running(containers: Containers, image: str) -> Iterator[str]:
    """A container as the chart runs it: with a root that cannot be written, before an engine that does not answer."""
    options = ("--detach", "--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=none")
    container = containers.podman("run", *options, image, "--backends", "http://127.0.0.1:9", "--drain", "5s")
    try:
        until_s = time.monotonic() + WITHIN_S
        while not is_healthy(containers, container):
            assert time.monotonic() < until_s, containers.podman("logs", container)
            time.sleep(0.2)
        yield container
    finally:
        containers.podman("rm", "--force", "--time=0", container)


def is_healthy(containers: Containers, container: str) -> bool:
    """By its own health check."""
    command = ["podman", "healthcheck", "run", container]
    return subprocess.run(command, env=os.environ | containers.environment, capture_output=True, check=False).returncode == 0


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_the_image_serves_as_nobody_and_ends_in_an_orderly_way(containers: Containers, running: str) -> None:
    assert containers.podman("exec", running, "id", "-u") == "65532"
    assert "no_backend_up" in containers.podman("exec", running, "python3", "-c", READY)

    containers.podman("stop", "--time=20", running)
    assert containers.podman("inspect", "--format={{.State.ExitCode}} {{.Config.StopSignal}}", running) == "0 15"


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_the_image_has_nothing_of_its_build(containers: Containers, image: str) -> None:
    look = "for path in /src /wheels /root/.cache; do test -e $path && echo $path; done; true"
    assert containers.podman("run", "--rm", "--network=none", "--user=0", "--entrypoint=/bin/sh", image, "-c", look) == ""
