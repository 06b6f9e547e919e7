"""Where engines publish the events of their KV caches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from thunderagent.adapters.engines.backend_ids import split

HTTP_PORTS = {"http": 80, "https": 443}
"""Where a URL names none."""


@dataclass(frozen=True, slots=True)
class EventPorts:
    """Ports on the host of each engine; ranks publish on the ports that follow, as vLLM and SGLang have it.

    A port is a number, or ``http+1000``: the engine's own port and so many more, for several engines on one host.
    """

    events: str
    replay: str | None = None
    """Where missed events can be asked for; None: nowhere."""

    def of(self, backend_id: str) -> tuple[str, str | None]:
        """ZeroMQ endpoints of one backend: of its events, and of their replay."""
        return _endpoint(self.events, backend_id), None if self.replay is None else _endpoint(self.replay, backend_id)


def _endpoint(port: str, backend_id: str) -> str:
    url, rank = split(backend_id)
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    relative = re.fullmatch(r"http\+(\d+)", port)
    number = int(port) if relative is None else (parts.port or HTTP_PORTS[parts.scheme]) + int(relative[1])
    return f"tcp://{host}:{number + (rank or 0)}"
