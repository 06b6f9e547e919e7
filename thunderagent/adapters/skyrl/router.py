"""Our gateway in the place of SkyRL's router, for harnesses that make their requests themselves."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.skyrl.hosts import lose_caches
from thunderagent.adapters.tracking import Sampler
from thunderagent.adapters.trajectory_ids import phase_of, program_id
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.runtime import StepProfile, StepWindow
from thunderagent.runtime.tools import BlockingTools
from thunderagent.serving import Serving
from thunderagent.tools_config import ToolsConfig

LONGEST_ANSWER_S = 86_400.0
"""From admission to the last byte, frozen by weight syncs as it may be. The router of vLLM gives up after half an hour."""


class ThunderRouter:
    """SkyRL's ``VLLMRouter`` with its ``start`` and ``shutdown``; a ``Host`` whose turns are scheduled behind its URL."""

    prefix = ""

    def __init__(self, config: ThunderConfig, server_urls: Sequence[str], ip: str, tools: ToolsConfig | None = None) -> None:
        """A gateway before SkyRL's servers, on a free port of ``ip``, an address of this node that harnesses reach."""
        settings = GatewaySettings(host=ip, port=0, max_wait_s=None, max_queue=None, timeout_s=LONGEST_ANSWER_S, drain_s=0.0)
        self.end_on_engine_failure = config.engine_failure == "end"
        self._gateway = EmbeddedGateway(config, settings, server_urls, "skyrl", tools=tools)
        self._window = StepWindow()

    @property
    def url(self) -> str:
        """Of the gateway, once it is started."""
        return self._gateway.url

    def start(self) -> str:
        """Its URL, once it accepts connections."""
        url = self._gateway.start()
        self._sampler = self._gateway.call(self._begin)
        return url

    def _begin(self, serving: Serving) -> Sampler:
        serving.session.on_step(self._took_step)
        return serving.session.sampler()

    def shutdown(self) -> None:
        """End it. May be called again."""
        self._gateway.stop()

    @property
    def tools(self) -> BlockingTools | None:
        """See ``Host``. They live on the gateway's loop."""
        return self._gateway.call(_tools_of)

    def release(self, session_id: str) -> None:
        """Whichever way it was named: our client names the phase too, harnesses the session alone."""

        def release(serving: Serving, named: str = program_id(session_id)) -> None:
            for name in (named, session_id):
                serving.session.runtime.release(name)

        self._gateway.call(release)

    def begin_weight_sync(self) -> None:
        """See ``Host``."""
        self._gateway.call(lambda serving: serving.gateway.begin_weight_sync())

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """See ``Host``."""
        self._gateway.call(lambda serving: serving.gateway.end_weight_sync(kv_lost=kv_lost))

    def lose_caches(self) -> None:
        """See ``Host``."""
        self._gateway.call(lambda serving: lose_caches(serving.session.runtime))

    def snapshot(self) -> dict[str, float]:
        """See ``Host``."""
        return self._gateway.call(lambda serving: serving.session.snapshot())

    def sample(self) -> dict[str, float]:
        """See ``Host``."""
        return self._gateway.call(lambda serving: self._sampler.sample())

    def take_window(self) -> dict[str, dict[str, float]]:
        """See ``Host``."""
        return self._gateway.call(lambda serving: self._window.take())

    def _took_step(self, step: StepProfile) -> None:
        self._window.add(dataclasses.replace(step, phase=step.phase or phase_of(step.program_id)))


def _tools_of(serving: Serving) -> BlockingTools | None:
    tools = serving.session.tools
    return None if tools is None else BlockingTools(tools, asyncio.get_running_loop())
