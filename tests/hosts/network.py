"""Several hosts on one machine: network namespaces on a switch, whose cables can be pulled, slowed down and plugged in elsewhere.

A namespace lives as long as a process is in it, and every process here dies with the one that started it: nothing is left
behind, not even after SIGKILL, and nothing of the machine's own network is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

NEEDED = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux"}
"""Programs, and Debian's packages of them."""
WHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
CLONE_NEWNET = 0x40000000
ETHERTYPE_ARP = 0x0806
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
STARTS_WITHIN_S = 10.0
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own, empty but for ``lo``."""

    def __init__(self) -> None:
        own = Path("/proc/self/ns/net").readlink()
        self._keeper = subprocess.Popen([*DIES_WITH_US, "unshare", "--net", "sleep", "infinity"], stderr=subprocess.PIPE)
        self.pid = self._keeper.pid
        self.path = Path(f"/proc/{self.pid}/ns/net")
        until_s = time.monotonic() + STARTS_WITHIN_S
        while self._keeper.poll() is None and self.path.readlink() == own and time.monotonic() < until_s:
            time.sleep(0.005)
        if self._keeper.poll() is not None:
            assert self._keeper.stderr is not None
            raise PermissionError(self._keeper.stderr.read().decode().strip())
        self.ip("link", "set", "lo", "up")

    def command(self, *command: str) -> list[str]:
        """What runs a command in it; the process is the command's own."""
        return [*DIES_WITH_US, "nsenter", f"--net={self.path}", *command]

    def ip(self, *arguments: str) -> None:
        """``ip``, there."""
        done = subprocess.run(self.command("ip", *arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"

    def sysctl(self, name: str, value: int) -> None:
        """A setting of the kernel, there."""
        with self.inside():
            Path("/proc/sys/net", name).write_text(str(value))

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes meanwhile are there; they stay there."""
        with Path("/proc/thread-self/ns/net").open() as outside, self.path.open() as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(outside)

    def end(self) -> None:
        """What runs there has to have ended."""
        self._keeper.kill()
        self._keeper.communicate()


class Host:
    """A namespace with an address, and a cable to the switch."""

    def __init__(self, network: Network, number: int) -> None:
        self._network, self._port = network, f"port{number}"
        self.namespace = Namespace()
        self.address = f"10.77.0.{number}"
        self._processes: list[subprocess.Popen[bytes]] = []
        switch = network.switch
        switch.ip("link", "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", str(self.namespace.pid))
        switch.ip("link", "set", self._port, "up", "master", "main")
        self.namespace.ip("address", "add", f"{self.address}/24", "dev", "eth0")
        self.namespace.ip("link", "set", "eth0", "up")

    def start(self, *command: str, log: IO[bytes] | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """A process on this host, which is killed at the end at the latest."""
        there = self.namespace.command(*command)
        variables = {**os.environ, **environment}
        process = subprocess.Popen(there, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables)
        self._processes.append(process)
        return process

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Whoever makes a socket in this thread is on this host."""
        return self.namespace.inside()

    def cut(self) -> None:
        """Pull its cable at the switch: nobody is told, what is sent is lost."""
        self._network.switch.ip("link", "set", self._port, "nomaster")

    def plug(self, switch: str = "main") -> None:
        """Its cable into the switch, or into ``other``: hosts there reach each other and nobody else."""
        self._network.switch.ip("link", "set", self._port, "master", switch)

    def slow_down(self, delay_s: float, bits_per_s: float) -> None:
        """A long thin wire between its cable and the switch: ``delay_s`` each way."""
        self._network.lengthen(self._port, delay_s, bits_per_s)

    def take_over(self, other: Host) -> None:
        """The address of another host, which loses it; the network is told, as whoever moves addresses does."""
        other.namespace.ip("address", "flush", "dev", "eth0")
        other.address = ""
        self.namespace.ip("address", "add", f"10.77.0.{other.number}/24", "dev", "eth0")
        with self.inside():
            _announce(f"10.77.0.{other.number}")

    @property
    def number(self) -> int:
        return int(self._port.removeprefix("port"))

    def end(self) -> None:
        """Kill what runs here."""
        for process in self._processes:
            process.kill()
            process.wait()
        self.namespace.end()


class Network:
    """Hosts on one switch."""

    def __init__(self) -> None:
        self.switch = Namespace()
        self._numbers = itertools.count(1)
        self._hosts: list[Host] = []
        self._wires: list[subprocess.Popen[bytes]] = []
        for name in ("main", "other"):
            self.switch.ip("link", "add", name, "type", "bridge")
            self.switch.ip("link", "set", name, "up")

    def host(self) -> Host:
        """One more."""
        host = Host(self, next(self._numbers))
        self._hosts.append(host)
        return host

    def lengthen(self, port: str, delay_s: float, bits_per_s: float) -> None:
        """Lead a port to the switch through a wire (``wire.py``)."""
        near, far, between = f"{port}a", f"{port}b", f"{port}x"
        wire = self.switch.command(
            sys.executable, str(Path(__file__).with_name("wire.py")), near, far, str(delay_s), str(bits_per_s)
        )
        process = subprocess.Popen(wire, stdout=subprocess.PIPE)
        self._wires.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        self.switch.ip("link", "add", between, "type", "bridge")
        for link, bridge in ((port, between), (near, between), (far, "main")):
            self.switch.ip("link", "set", link, "up", "master", bridge)
        self.switch.ip("link", "set", between, "up")

    def end(self) -> None:
        """All of it."""
        for host in self._hosts:
            host.end()
        for wire in self._wires:
            wire.kill()
            wire.communicate()
        self.switch.end()


def _announce(address: str) -> None:
    """Tell all hosts that an address is here now (gratuitous ARP)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", ETHERTYPE_ARP))
        own, ip = raw.getsockname()[4], socket.inet_aton(address)
        head = b"\xff" * 6 + own + struct.pack("!H", ETHERTYPE_ARP)
        raw.send(head + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + ip + bytes(6) + ip)


def _enter(namespace: IO[str]) -> None:
    if _libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def network_or_skip() -> Network:
    """Hosts, or the test is skipped with the reason."""
    missing = sorted({package for program, package in NEEDED.items() if shutil.which(program, path=WHERE) is None})
    if missing:
        pytest.skip(f"no hosts: not installed: {', '.join(missing)} (packages of Debian)")
    if os.geteuid() != 0:
        pytest.skip("no hosts: network namespaces are root's to make")
    try:
        return Network()
    except (PermissionError, AssertionError) as error:
        pytest.skip(f"no hosts: {error}")
