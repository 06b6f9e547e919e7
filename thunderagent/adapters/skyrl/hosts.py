"""Where SkyRL's turns are scheduled: in its own process, on the loop that runs them, or in a gateway that they are sent to."""

from __future__ import annotations

from typing import Protocol

from thunderagent.adapters.trajectory_ids import program_id
from thunderagent.runtime import Runtime, StepWindow
from thunderagent.runtime.tools import BlockingTools
from thunderagent.session import Session


class Host(Protocol):
    """What client and tracker ask of it."""

    prefix: str
    """How its programs begin, before phase and session: where jobs share a gateway, no two begin alike."""
    end_on_engine_failure: bool
    """Whether a lost engine ends the trajectory with an empty answer instead of raising into SkyRL (which exits)."""

    @property
    def tools(self) -> BlockingTools | None:
        """Sandboxes for environments; None: there are none."""

    def release(self, session_id: str) -> None:
        """The trajectory is over."""

    def begin_weight_sync(self) -> None:
        """No turn is to start from now on."""

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """Turns may start. ``kv_lost``: KV computed before is not used any more."""

    def lose_caches(self) -> None:
        """All engines' KV caches are empty."""

    def snapshot(self) -> dict[str, float]:
        """``Session.snapshot``."""

    def sample(self) -> dict[str, float]:
        """``Sampler.sample``: the scheduler since the last one."""

    def take_window(self) -> dict[str, dict[str, float]]:
        """``StepWindow.take``."""

    def shutdown(self) -> None:
        """Nothing runs any more; profiles are complete."""


class InProcess:
    """A host on the loop that runs the turns."""

    prefix = ""

    def __init__(self, session: Session) -> None:
        """The session is started with the first turn."""
        self.session = session
        self.runtime = session.runtime
        self.end_on_engine_failure = session.end_on_engine_failure
        self._window, self._sampler = StepWindow(), session.sampler()
        session.on_step(self._window.add)

    async def start(self) -> None:
        """Called before each turn, on the loop that runs all turns; cheap when it has already happened."""
        await self.session.start()

    @property
    def tools(self) -> BlockingTools | None:
        """See ``Host``. They live from the first look at them on, which is before the first turn."""
        if self.session.tool_thread is None:
            return None
        self.session.tool_thread.start()
        return self.session.tool_thread.tools

    def shutdown(self) -> None:
        """See ``Host``."""
        self.session.close()

    def release(self, session_id: str) -> None:
        """See ``Host``."""
        self.runtime.release(program_id(session_id))

    def begin_weight_sync(self) -> None:
        """See ``Host``."""
        self.runtime.begin_weight_sync()

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """See ``Host``."""
        self.runtime.end_weight_sync(kv_lost=kv_lost)

    def lose_caches(self) -> None:
        """See ``Host``."""
        lose_caches(self.runtime)

    def snapshot(self) -> dict[str, float]:
        """See ``Host``."""
        return self.session.snapshot()

    def sample(self) -> dict[str, float]:
        """See ``Host``."""
        return self._sampler.sample()

    def take_window(self) -> dict[str, dict[str, float]]:
        """See ``Host``."""
        return self._window.take()


def lose_caches(runtime: Runtime) -> None:
    """Those of all backends."""
    for backend_id in runtime.backends:
        runtime.lose_cache(backend_id)
