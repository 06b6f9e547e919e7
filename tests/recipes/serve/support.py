"""Stands for the gateway: what the recipe starts is looked at while it would serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig


class Gateway:
    """``thunderagent.serving``, which ends when ``meanwhile`` has looked at the engines."""

    def __init__(self, meanwhile: Callable[[Sequence[str]], Any] = lambda urls: None) -> None:
        self.meanwhile = meanwhile
        self.config: ThunderConfig | None = None
        self.settings: GatewaySettings | None = None
        self.urls: list[str] = []
        self.seen: Any = None
        self.engine_type = self.log_level = ""

    def serve(
        self,
        config: ThunderConfig,
        settings: GatewaySettings,
        urls: Sequence[str],
        engine_type: str,
        *,
        log_level: str,
        on_ready: Callable[[str], None],
    ) -> None:
        self.config, self.settings, self.urls = config, settings, list(urls)
        self.engine_type, self.log_level = engine_type, log_level
        on_ready(f"http://{settings.host}:{settings.port}")
        self.seen = self.meanwhile(urls)
