"""A container engine (podman, by Docker's API) and a registry, both on this machine alone, for tests and for trying things out.

eval "$(scripts/real-containers setup)"     install what is missing (Debian or Ubuntu, as root), start both, tell where they are
scripts/real-containers publish a/b:1 a/c:1 --megabytes 20      put images into the registry, each with content of its own
scripts/real-containers stop                remove all containers, end both; images stay for the next time

What it has is in a folder of its own, outputs/containers of this checkout or --folder: containers, images and settings of the
user's podman are neither used nor changed. Several processes may call it at once; what is there already stays. There is one
image, localhost/busybox:1, made of Debian's busybox-static; the names of images in the registry begin with
$THUNDERAGENT_TEST_REGISTRY. After setup, podman's own command line has all this too.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/busybox:1"
PROGRAMS = {
    "podman": "podman",
    "runc": "runc",  # crun, podman's own choice there, fails where control groups of both versions are mounted
    "netavark": "netavark",
    "iptables": "iptables",
    "busybox": "busybox-static",
    "docker-registry": "docker-registry",
    "bwrap": "bubblewrap",
    "debootstrap": "debootstrap",  # the base of our image in tests
}
"""What is needed, and Debian's package of it."""
WHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/lib/podman"))
WITHIN_S = 30.0
"""Podman and the registry start and end in a tenth of a second where the machine has nothing else to do."""
MONITORS = {"conmon", "podman"}
MONITORS_END_WITHIN_S = 5.0
"""They end by themselves, soon after their container; what cleans up is not to be killed halfway."""


class Containers:
    """Everything in one folder."""

    def __init__(self, folder: Path) -> None:
        """It need not be there."""
        self.folder = folder
        # With longer paths, sockets cannot be made, and podman waits 20 s for each container that ends.
        self.run = Path(tempfile.gettempdir()) / f"thunderagent-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
        self.socket = self.run / "podman.sock"
        self.environment = {
            "DOCKER_HOST": f"unix://{self.socket}",
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        }

    def setup(self) -> None:
        """Have it running."""
        with alone(Path(tempfile.gettempdir()) / "thunderagent-real-containers.lock"):
            install()
        with self._alone():
            self._write(self._of_the_registry())
            self._start("registry", ["docker-registry", "serve", str(self.folder / "registry.yml")], self._registry_answers)
            self._write(self._of_podman())
            self._start("podman", ["podman", "system", "service", "--time=0", f"unix://{self.socket}"], self._podman_answers)
            if subprocess.run(["podman", "image", "exists", IMAGE], env=self._variables(), check=False).returncode:
                self._make_image(IMAGE)
            self._podman("run", "--rm", "--network=none", IMAGE, "true")

    def publish(self, names: list[str], more_bytes: int) -> None:
        """Have images in the registry, but not here; tells their whole names. ``more_bytes``: of their own, in each."""
        if not (self._running("registry") and self._registry_answers()):
            fail("the registry does not run: scripts/real-containers setup starts it")
        for name in names:
            image = f"{self._registry()}/{name}"
            self._make_image(image, os.urandom(more_bytes))
            self._podman("push", "--quiet", image)
            self._podman("rmi", image)
            print(image)

    def stop(self) -> None:
        """Have nothing of it running."""
        if not self.folder.is_dir():
            return
        with self._alone():
            if shutil.which("podman") and (self.folder / "storage.conf").exists():
                self._podman("rm", "--all", "--force", "--time=0")
            for name in ("podman", "registry"):
                pid = self._running(name)
                if pid:
                    os.kill(pid, signal.SIGTERM)
                    self._until(lambda name=name: not self._running(name), f"{name} does not end")
                self._pid_file(name).unlink(missing_ok=True)
            self._end_monitors()
            overlay = self.folder / "storage" / "overlay"
            if overlay.is_mount():  # podman leaves it mounted upon itself, and then the folder could not be removed
                subprocess.run(["umount", str(overlay)], check=False)
            shutil.rmtree(self.run, ignore_errors=True)

    def tell(self) -> None:
        """For a shell."""
        for name, value in {**self.environment, "THUNDERAGENT_TEST_REGISTRY": str(self._registry())}.items():
            print(f"export {name}={shlex.quote(value)}")

    def _write(self, settings: dict[str, str]) -> None:
        for name, text in settings.items():
            (self.folder / name).write_text(text)

    def _of_the_registry(self) -> dict[str, str]:
        # The port is chosen when it is bound: one that was free a moment ago may be somebody else's by then.
        return {
            "registry.yml": f"""version: 0.1
storage:
  filesystem:
    rootdirectory: {self.folder}/registry
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
"""
        }

    def _of_podman(self) -> dict[str, str]:
        return {
            # Limits that podman can raise in a container, no systemd; no process for five minutes for each command that was run.
            "containers.conf": f"""[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 10
lock_type = "file"
tmp_dir = "{self.run}/libpod"
""",
            "storage.conf": f"""[storage]
driver = "overlay"
graphroot = "{self.folder}/storage"
runroot = "{self.run}/storage"
""",
            "registries.conf": f"""unqualified-search-registries = []
[[registry]]
location = "{self._registry()}"
insecure = true
""",
        }

    def _registry(self) -> str | None:
        """Where it listens, as its log says."""
        with contextlib.suppress(OSError):
            listens = re.search(r"listening on (127\.0\.0\.1:\d+)", (self.folder / "registry.log").read_text())
            return listens and listens[1]
        return None

    def _registry_answers(self) -> bool:
        return self._registry() is not None

    def _podman_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.settimeout(1)
                client.connect(str(self.socket))
            except OSError:
                return False
        return True

    def _start(self, name: str, command: list[str], answers: Callable[[], bool]) -> None:
        if self._running(name) and answers():
            return
        log = self.folder / f"{name}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._variables(), start_new_session=True
            )
        self._pid_file(name).write_text(str(process.pid))
        self._until(lambda: answers() or process.poll() is not None, f"{shlex.join(command)} does not answer")
        if process.poll() is not None:
            fail(f"{shlex.join(command)} has ended:\n{log.read_text()[-2000:]}")

    def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        until_s = time.monotonic() + WITHIN_S
        while not holds():
            if time.monotonic() > until_s:
                fail(otherwise)
            time.sleep(0.05)

    def _make_image(self, image: str, content: bytes = b"") -> None:
        busybox = shutil.which("busybox")
        assert busybox is not None
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch) / "root.tar"
            with tarfile.open(archive, "w") as tar:
                for name in ("bin", "etc", "proc", "root", "tmp"):
                    folder = tarfile.TarInfo(name)
                    folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
                    tar.addfile(folder)
                tar.add(busybox, "bin/busybox")
                applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
                for applet in sorted({*applets} - {"busybox"}):
                    link = tarfile.TarInfo(f"bin/{applet}")
                    link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                    tar.addfile(link)
                more = tarfile.TarInfo("content")
                more.size = len(content)
                tar.addfile(more, io.BytesIO(content))
            self._podman("import", "--change", "ENV PATH=/bin", str(archive), image)

    def _podman(self, *arguments: str) -> None:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, env=self._variables(), check=False)
        if done.returncode:
            fail(f"podman {shlex.join(arguments)}: {done.stderr.strip()[-2000:]}")

    def _variables(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "CONTAINER_HOST"} | self.environment

    def _end_monitors(self) -> None:
        """Have nothing left that watches or cleans up containers which are not there any more."""
        patience_s = time.monotonic() + MONITORS_END_WITHIN_S
        while monitors := self._monitors():
            if time.monotonic() > patience_s:
                for pid in monitors:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _monitors(self) -> list[int]:
        """Processes that podman has started beside its own service, and that outlive it."""
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                command = file.read_bytes()
                program = Path(os.fsdecode(command.partition(b"\0")[0])).name
                if program in MONITORS and self._is_ours(command):
                    found.append(int(file.parent.name))
        return found

    def _is_ours(self, command: bytes) -> bool:
        return os.fsencode(self.folder) + b"/" in command or os.fsencode(self.run) + b"/" in command

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def _running(self, name: str) -> int | None:
        """Its process, if it is (still) ours."""
        try:
            pid = int(self._pid_file(name).read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if self._is_ours(command) else None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        with alone(self.folder / "lock"):
            yield


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """No other process at the same time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install() -> None:
    """What is missing, where that is allowed."""
    missing = sorted(package for program, package in PROGRAMS.items() if not is_there(program))
    if not missing:
        return
    command = f"apt-get install {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        fail(f"not installed: {', '.join(missing)} (packages of Debian)")
    if os.geteuid() != 0:
        fail(f"not installed: as root, {command}")
    print(f"{command} (once)", file=sys.stderr, flush=True)
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if subprocess.run(install, stdout=sys.stderr, env=variables, check=False).returncode == 0:
        return
    subprocess.run(["apt-get", "update"], stdout=sys.stderr, env=variables, check=False)  # a fresh machine has no lists
    if subprocess.run(install, stdout=sys.stderr, env=variables, check=False).returncode:
        fail(f"{command} failed")


def is_there(program: str) -> bool:
    """Also for an image, where that is needed: Debian's other busybox needs libraries."""
    path = shutil.which(program, path=WHERE)
    return path is not None and not (program == "busybox" and b"/ld-linux" in Path(path).read_bytes())


def fail(message: str) -> NoReturn:
    """End with what is wrong."""
    sys.exit(f"error: {message}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/real-containers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("setup", "publish", "stop"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="publish: of an image, such as team/project:1")
    parser.add_argument("--megabytes", type=int, default=1, help="publish: that each has for itself")
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "containers", help="where everything is")
    asked = parser.parse_args()
    containers = Containers(asked.folder.absolute())
    if asked.command == "stop":
        containers.stop()
    elif asked.command == "publish":
        containers.publish(asked.names, asked.megabytes << 20)
    else:
        containers.setup()
        containers.tell()


if __name__ == "__main__":
    main()
