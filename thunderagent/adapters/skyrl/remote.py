"""A gateway that runs already as the host of a job's turns: several jobs share it, its scheduler and its engines."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from thunderagent.adapters.running_gateway import RunningGateway, find, job_name
from thunderagent.adapters.trajectory_ids import program_id
from thunderagent.errors import ConfigError, ThunderAgentError
from thunderagent.runtime.tools import BlockingTools

logger = logging.getLogger(__name__)

KEY = "thunder.gateway"


class RemoteHost:
    """``Host`` over HTTP. Scheduler and sandboxes are that gateway's, by its own settings."""

    tools: BlockingTools | None = None

    def __init__(self, gateway: RunningGateway, job: str, *, end_on_engine_failure: bool) -> None:
        """``job``: how its programs begin."""
        self._gateway, self.end_on_engine_failure = gateway, end_on_engine_failure
        self.prefix = f"{job}/"
        self._syncing = self._lost = False

    @property
    def url(self) -> str:
        """Of the gateway."""
        return self._gateway.url

    def release(self, session_id: str) -> None:
        """Whichever way it was named: our client names job and phase too, harnesses the session alone."""
        for name in (self.prefix + program_id(session_id), session_id):
            self._gateway.release(name)

    def begin_weight_sync(self) -> None:
        """See ``Host``."""
        self._syncing, self._lost = True, False
        self._gateway.begin_weight_sync()

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """See ``Host``."""
        self._syncing = False
        self._gateway.end_weight_sync(kv_lost=kv_lost or self._lost)

    def lose_caches(self) -> None:
        """See ``Host``. Within a sync it is told with its end: turns wait until then."""
        if self._syncing:
            self._lost = True
        else:
            self._gateway.end_weight_sync(kv_lost=True)

    def snapshot(self) -> dict[str, float]:
        """What the gateway's ``/metrics`` tell of all jobs together."""
        return self._gateway.metrics()

    def sample(self) -> dict[str, float]:
        """The same, for the tracker's rows."""
        return {f"thunder/gateway/{name}": value for name, value in self._gateway.metrics().items()}

    def take_window(self) -> dict[str, dict[str, float]]:
        """Steps are the gateway's: its ``/profiles`` has them."""
        return {}

    def shutdown(self) -> None:
        """What was told is said; the gateway goes on."""
        self._gateway.close()


def open_remote(where: str, job: str | None, engines: Sequence[str], *, end_on_engine_failure: bool) -> RemoteHost:
    """The host of a job whose engines are among the gateway's, or are to be.

    Args:
        where: a URL, or ``ray:NAME``.
        job: how its programs begin; None: by a random word.
        engines: the job's.
        end_on_engine_failure: see ``Host``.

    Raises:
        ConfigError: nobody is there, or does not take the engines in.
    """
    gateway = find(KEY, where, _url_in_ray)
    try:
        gateway.share_engines(engines)
    except ThunderAgentError as problem:
        gateway.close()
        raise ConfigError(KEY, where, str(problem)) from None
    host = RemoteHost(gateway, job_name(job), end_on_engine_failure=end_on_engine_failure)
    logger.info("turns are scheduled by the gateway at %s, as programs %s*", gateway.url, host.prefix)
    return host


def _url_in_ray(name: str) -> str:
    from thunderagent.adapters.ray.finding import gateway_url

    return gateway_url(name)
