"""SkyRL's own inference servers: vLLM whose series may be elsewhere (``enable_ray_prometheus_stats`` gives them to Ray)."""

from __future__ import annotations

from thunderagent.adapters.engines.engine import Http
from thunderagent.adapters.engines.pages import metrics_of
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.engines.vllm import METRICS, Vllm


class Skyrl(Vllm):
    """One of them. Its KV capacity is then in its configuration: SkyRL serves vLLM's development endpoints."""

    no_capacity = (
        "neither /metrics nor /server_info tells the KV capacity: set"
        " generator.inference_engine.enable_ray_prometheus_stats=false, or thunder.capacity_tokens"
    )

    @property
    def kind(self) -> EngineKind:
        """Which."""
        return EngineKind.SKYRL

    async def _metrics(self, http: Http) -> bytes:
        page = await http.get(METRICS)  # with or without the series, it is a short one
        return b"" if page.status == 404 else metrics_of(page, METRICS)
