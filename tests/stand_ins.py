"""What stands for a part that has tests of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.serving import OnReady
from thunderagent.tools_config import ToolsConfig


class Serving:
    """``thunderagent.serving``: remembers what it was to serve, looks at the engines meanwhile, and ends at once."""

    def __init__(self) -> None:
        self.served: list[tuple[ThunderConfig, GatewaySettings, list[str], str, str]] = []
        """Configuration, settings, URLs of the engines, their type, and the level of logs."""
        self.tools: list[ToolsConfig | None] = []
        self.fails_with: Exception | None = None
        self.meanwhile: Callable[[Sequence[str]], Any] = lambda urls: None
        self.seen: Any = None
        """What ``meanwhile`` gave."""

    def serve(
        self,
        config: ThunderConfig,
        settings: GatewaySettings,
        urls: Sequence[str],
        engine_type: str,
        *,
        log_level: str,
        on_ready: OnReady,
        log_format: str = "text",
        tools: ToolsConfig | None = None,
    ) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.tools.append(tools)
        self.served.append((config, settings, list(urls), engine_type, log_level))
        on_ready(f"http://{settings.host}:{settings.port}", [])
        self.seen = self.meanwhile(urls)
