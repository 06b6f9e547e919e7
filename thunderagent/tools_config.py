"""The settings of tool environments, one flat dataclass for every host."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.checks import Check, check_fields, one_of, positive, positive_or_null, positive_whole, whole_or_null
from thunderagent.errors import ConfigError

TOOL_BACKENDS = ("none", "docker", "bubblewrap", "callable")


@dataclass(frozen=True)
class ToolsConfig:
    """Every key has a default that works. ``validate`` says what is wrong in one line."""

    backend: str = "none"
    """What makes sandboxes: ``docker`` (its Engine API: Docker or podman), ``bubblewrap`` (local processes, no daemon),
    ``callable`` (your own code: ``factory``), or ``none``."""
    docker_url: str | None = None
    """``docker``: the address of its Engine API, such as unix:///run/podman/podman.sock or http://host:2375; null:
    ``DOCKER_HOST``, else Docker's own socket."""
    folder: str | None = None
    """``bubblewrap``: where sandboxes have their files; null: the user's cache."""
    images: str | None = None
    """``bubblewrap``: the folder below which requests find images; empty: ``image`` is the only one; null: any folder that this
    process can read, for programs that you trust."""
    factory: str | None = None
    """``callable``: module:name of what makes your backend, an object with the methods of ``SandboxBackend``."""
    image: str = ""
    """A sandbox from this image is made for every new program while its first turn waits; empty: only those that are asked
    for."""
    setup: str = ""
    """A shell command that ends the preparation of a sandbox from ``image``; empty: none."""
    ahead: bool = True
    """Whether sandboxes from ``image``, and those that programs announce, are prepared ahead; else when they are asked for."""
    max_sandboxes: int | None = None
    """Sandboxes that exist at once; null: no bound."""
    max_memory_bytes: int | None = None
    """Memory of all sandboxes that say how much they take; null: no bound."""
    max_disk_bytes: int | None = None
    """Disk of sandboxes and of the images that were fetched for them, the least recently used of which go first; null: no
    bound."""
    max_preparing: int = 8
    """Sandboxes that are prepared at once."""
    max_idle: int | None = None
    """Sandboxes that nobody uses and that are kept for other programs; null: no bound of its own."""
    idle_ttl_s: float | None = 600.0
    """A sandbox is kept for other programs for so long; null: until others need its room."""
    prepare_timeout_s: float = 300.0
    """One attempt to prepare a sandbox may take so long."""
    program_ttl_s: float | None = 1800.0
    """A program of which no turn is known is over after so long without a call; null: never."""
    ports: str | None = None
    """Ports that programs can lease, such as 20000-20099; null: none."""

    def validate(self, prefix: str = "tools.") -> None:
        """Check every value.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        check_fields(self, _CHECKS, prefix)
        if (self.backend == "callable") != (self.factory is not None):
            raise ConfigError(
                prefix + "factory", self.factory, f"names your backend as module:name, with {prefix}backend=callable"
            )

    def image_roots(self) -> tuple[str, ...] | None:
        """``bubblewrap``: images are these folders, and what is in them; None: any."""
        return None if self.images is None else tuple(root for root in (self.images, self.image) if root)

    def port_range(self) -> range:
        """The ports that can be leased."""
        if self.ports is None:
            return range(0)
        first, _, last = self.ports.partition("-")
        return range(int(first), int(last or first) + 1)


def _ports(value: object) -> str | None:
    if value is None:
        return None
    parts = str(value).split("-")
    usable = len(parts) <= 2 and all(part.isdecimal() and 0 < int(part) < 65_536 for part in parts)
    return None if usable and int(parts[0]) <= int(parts[-1]) else "must be a range of ports, such as 20000-20099, or null"


_CHECKS: dict[str, Check] = {
    "backend": one_of(*TOOL_BACKENDS),
    "max_sandboxes": positive_or_null,
    "max_memory_bytes": positive_or_null,
    "max_disk_bytes": positive_or_null,
    "max_preparing": positive_whole,
    "max_idle": whole_or_null,
    "idle_ttl_s": positive_or_null,
    "prepare_timeout_s": positive,
    "program_ttl_s": positive_or_null,
    "ports": _ports,
}
