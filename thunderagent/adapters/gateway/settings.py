"""What the gateway can be told, apart from scheduling (``thunderagent.config``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.checks import (
    Check,
    check_fields,
    fraction,
    not_negative,
    one_of_or_null,
    port,
    port_or_null,
    positive,
    positive_or_null,
    positive_whole,
    whole,
    whole_or_null,
)
from thunderagent.errors import ConfigError


@dataclass(frozen=True)
class GatewaySettings:
    """Every key has a default that works."""

    host: str = "127.0.0.1"
    """Address to listen on; others than this machine reach it only if you say so (``0.0.0.0``)."""
    port: int = 8300
    """To listen on; 0 takes a free one."""
    admin_port: int | None = None
    """Management endpoints on a port of their own; null: on the same port."""
    router_for: str | None = None
    """``slime``: stand in for slime's router, which its engines join by themselves (docs/serving.md)."""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """Clients must send one of these as ``Authorization: Bearer KEY`` (or ``X-Api-Key``); none: everybody is let in."""
    admin_keys: tuple[str, ...] = field(default=(), repr=False)
    """Management endpoints ask for one of these, in the same way. None: all clients may release and sync weights, nobody may
    ``POST /workers``."""
    max_body_bytes: int = 64 << 20
    """A longer request body is refused with 413. A context of a million tokens, with images, is less."""
    max_head_bytes: int = 64 << 10
    """Request line and headers together; more is refused with 431."""
    head_timeout_s: float = 15.0
    """A client that has not sent its whole request head by then is let go (408)."""
    body_timeout_s: float = 120.0
    """A client that has not sent its whole request by then is let go (408)."""
    max_queue: int | None = 10_000
    """Turns that may wait for admission; one more is refused with 429. Null: no bound."""
    max_held_bytes: int = 4 << 30
    """Request bodies held in memory at once, waiting or running; one more is refused with 429."""
    max_wait_s: float | None = 1_800.0
    """A turn that has waited longer for admission is refused with 503. Null: no bound."""
    timeout_s: float = 3_600.0
    """Of a request, from admission to the last byte, retries included; then 504."""
    first_byte_timeout_s: float | None = None
    """An engine that has not begun to answer by then counts as failed; null: only ``timeout_s``."""
    connect_timeout_s: float = 5.0
    """An engine that has not accepted a connection by then counts as failed."""
    peer_timeout_s: float = 60.0
    """A client or an engine whose host has not answered for so long (TCP, not HTTP: it may be silent) is taken for gone."""
    drain_s: float = 180.0
    """After SIGTERM, requests that wait or run may go on for so long."""
    keep_alive_s: float = 75.0
    """An idle client connection is kept for so long."""
    attempts: int = 5
    """Tries of one request at most, and only as long as no byte has reached the client."""
    retry_share: float = 0.2
    """Retries in flight at once, as a share of all requests in flight (at least 3 are always allowed)."""
    breaker_failures: int = 5
    """So many failures in a row take an engine out of rotation."""
    breaker_open_s: float = 5.0
    """After so long it is probed; twice as long after every probe that failed, up to a minute."""
    keep_profiles: int = 1_000
    """Programs whose last steps ``GET /profiles`` remembers; 0: of none."""
    metrics: bool = True
    """Whether ``GET /metrics`` is served."""
    otel: bool = False
    """Whether a span of each turn is exported to where the ``OTEL_*`` variables say (extra ``otel``)."""

    def validate(self, prefix: str = "gateway.") -> None:
        """Check every value.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        check_fields(self, _CHECKS, prefix)
        if self.router_for is not None and self.api_keys:
            raise ConfigError(prefix + "router_for", self.router_for, f"does not go with API keys: {self.router_for} sends none")
        if self.admin_port and self.admin_port == self.port:
            raise ConfigError(prefix + "admin_port", self.admin_port, f"must be another than {prefix}port, or null to share it")


def _host(value: object) -> str | None:
    usable = isinstance(value, str) and value and not any(character.isspace() or character in "/@" for character in value)
    return None if usable else "must be an address or a name of this machine, such as 127.0.0.1 or 0.0.0.0"


_CHECKS: dict[str, Check] = {
    "host": _host,
    "port": port,
    "admin_port": port_or_null,
    "router_for": one_of_or_null("slime"),
    "max_body_bytes": positive_whole,
    "max_head_bytes": positive_whole,
    "head_timeout_s": positive,
    "body_timeout_s": positive,
    "max_held_bytes": positive_whole,
    "max_queue": whole_or_null,
    "max_wait_s": positive_or_null,
    "timeout_s": positive,
    "first_byte_timeout_s": positive_or_null,
    "connect_timeout_s": positive,
    "peer_timeout_s": positive,
    "drain_s": not_negative,
    "keep_alive_s": positive,
    "attempts": positive_whole,
    "retry_share": fraction,
    "breaker_failures": positive_whole,
    "breaker_open_s": positive,
    "keep_profiles": whole,
}
