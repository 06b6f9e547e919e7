"""An embedded engine and a gateway before it, for as long as the agents run: nothing has to be started before."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.serve.config import EngineConfig
from recipes.serve.engines import DIALECT, engines
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig


@contextmanager
def embedded() -> Iterator[list[str]]:
    """The URLs of the engine alone and of the gateway, on free ports; both end with the block.

    Raises:
        ConfigError: the engine did not start.
    """
    from thunderagent.embedded import EmbeddedGateway

    with (
        tempfile.TemporaryDirectory(prefix="thunderagent-agents-") as folder,
        engines(EngineConfig(port=0), Path(folder)) as (urls, _),
    ):
        gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0, drain_s=0), urls, DIALECT)
        try:
            yield [*urls, gateway.start()]
        finally:
            gateway.stop()
