"""Where a scheduler is: ``unix:/path`` on this machine, ``tcp:host:port`` on any."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from thunderagent.errors import ConfigError

FORMS = "must be unix:/path or tcp:host:port"
MAX_PATH_BYTES = 100
"""The kernel's own limit is 108 on Linux, 104 elsewhere."""


@dataclass(frozen=True, slots=True)
class Address:
    """One of the two."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, option: str, text: str) -> Address:
        """
        Raises:
            ConfigError: it is neither; names the option.
        """
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest.startswith("/"):
            if len(rest.encode()) > MAX_PATH_BYTES:
                raise ConfigError(option, text, f"the path is longer than {MAX_PATH_BYTES} bytes, which sockets do not take")
            return cls(path=Path(rest))
        host, _, port = rest.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if kind == "tcp" and host and port.isdecimal() and int(port) < 65_536:
            return cls(host=host, port=int(port))
        raise ConfigError(option, text, FORMS)

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"tcp:[{self.host}]:{self.port}" if ":" in self.host else f"tcp:{self.host}:{self.port}"

    @property
    def http_host(self) -> str:
        """Where the scheduler's HTTP is, for whoever reaches it by this address."""
        return self.host or "127.0.0.1"

    @property
    def private(self) -> bool:
        """Whether only this machine reaches it."""
        if self.path is not None:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
