"""A real container engine for tests: podman, as ``scripts/real-containers`` starts it. Mark them ``containers``."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "real-containers"
STARTS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Containers:
    """Where it is."""

    environment: dict[str, str]
    """For podman's command line, and for whoever takes the engine from ``DOCKER_HOST``."""
    image: str = "localhost/busybox:1"
    """That is there and was not pulled."""

    @property
    def url(self) -> str:
        """Of the Docker Engine API."""
        return self.environment["DOCKER_HOST"]

    @property
    def registry(self) -> str:
        """HOST:PORT, which begins the names of its images."""
        return self.environment["THUNDERAGENT_TEST_REGISTRY"]

    def podman(self, *arguments: str) -> str:
        """What its command line prints."""
        command = ["podman", *arguments]
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def names(self, *filters: str) -> set[str]:
        """Of containers, running or not."""
        options = [f"--filter={one}" for one in filters]
        return set(self.podman("ps", "--all", "--format={{.Names}}", *options).split())

    def ids(self) -> set[str]:
        """Of all containers, running or not."""
        return set(self.podman("ps", "--all", "--no-trunc", "--format={{.ID}}").split())

    def publish(self, name: str) -> str:
        """An image of its own content in the registry, and not here; its whole name."""
        return _script("publish", name).strip()

    @contextlib.contextmanager
    def another_service(self, folder: Path) -> Iterator[Service]:
        """Of the same containers and images, to be killed."""
        service = Service(self.environment, folder / "own.sock")
        service.start()
        try:
            yield service
        finally:
            service.kill()


class Service:
    """``podman system service`` as a process."""

    def __init__(self, environment: dict[str, str], path: Path) -> None:
        self.url = f"unix://{path}"
        self._path, self._environment = path, os.environ | environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        self._path.unlink(missing_ok=True)
        command = ["podman", "system", "service", "--time=0", self.url]
        self._process = subprocess.Popen(command, env=self._environment)
        until_s = time.monotonic() + STARTS_WITHIN_S
        while not self._path.is_socket():
            assert self._process.poll() is None and time.monotonic() < until_s, "podman's service does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """As ``kill -9`` does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def containers() -> Containers:
    """Running, with one small image; without it, tests are skipped with the reason."""
    try:
        lines = [shlex.split(line)[1] for line in _script("setup").splitlines()]
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no container engine: {(error.stderr.strip() or '?').splitlines()[-1]}")
    return Containers(dict(line.split("=", 1) for line in lines))


def _script(*arguments: str) -> str:
    variables = os.environ | {"PYTHON": sys.executable}
    return subprocess.run([SCRIPT, *arguments], env=variables, capture_output=True, text=True, check=True).stdout
