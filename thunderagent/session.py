"""One scheduler with all that surrounds it: policy, runtime, engine watch, profiles. The same for every host."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from thunderagent.adapters.engines.reading import EngineKind, same_process
from thunderagent.adapters.engines.watch import EngineWatch
from thunderagent.adapters.tracking import ProfileWriter, RunPlace, Sampler, SchedulingRun
from thunderagent.config import ThunderConfig, build_limits, build_policy
from thunderagent.errors import ConfigError
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.runtime.lifecycle import log_programs
from thunderagent.runtime.tools.profile import SandboxProfile
from thunderagent.tools_config import ToolsConfig

if TYPE_CHECKING:
    from thunderagent.adapters.engines.kv_events import KvEventWatch
    from thunderagent.runtime.keeper import Keeper
    from thunderagent.runtime.tools import ToolHost, ToolThread


class BackendListener(Protocol):
    """Wants to know which backends there are."""

    def joined(self, backend_id: str) -> None:
        """A backend is about to get turns; told again when its capacity changes."""
        ...

    def left(self, backend_id: str) -> None:
        """A backend gets none any more; the turns that run there are about to be aborted."""
        ...


PAGES = "pages"
"""Who objects to a backend whose engine answers wrongly (``Runtime.set_health``)."""


class Session:
    """Made anywhere, started on the loop that runs the turns, closed by whoever made it."""

    def __init__(
        self,
        config: ThunderConfig,
        engine_urls: Sequence[str],
        *,
        kind: EngineKind | None = None,
        per_rank: bool = False,
        session_of: Callable[[str], str] = str,
        tools: ToolsConfig | None = None,
        tools_apart: bool = False,
    ) -> None:
        """A scheduler over these engines.

        Args:
            config: of the scheduler.
            engine_urls: base URLs of the engines.
            kind: what they are; None: they show it.
            per_rank: whether each data-parallel rank of an engine is a backend (``backend_ids``). Only for hosts that send each
                turn to the rank that it was admitted to.
            session_of: the ``X-Session-ID`` that the host sends with the turns of a program: engines name it in their KV events.
            tools: of tool environments; None: there are none.
            tools_apart: whether they have a thread of their own, for hosts whose loop is blocked now and then.

        Raises:
            ConfigError: what ``kv_events``, ``tools`` or ``wandb`` need is not installed.
            StoreError: the store cannot be used.
        """
        profile_dir = None if config.profile_dir is None else Path(config.profile_dir)
        has_tools = tools is not None and tools.backend != "none"
        kinds = (StepProfile, SandboxProfile) if has_tools else (StepProfile,)
        limits = {"max_bytes": config.profile_max_bytes, "keep": config.profile_keep}
        self._writer = None if profile_dir is None else ProfileWriter(profile_dir, *kinds, **limits)
        self.end_on_engine_failure = config.engine_failure == "end"
        self._step_listeners: list[Callable[[StepProfile], None]] = [self._writer.put] if self._writer else []
        self.runtime = Runtime(build_policy(config), limits=build_limits(config), on_step=self._took_step)
        log_programs(self.runtime)
        self.keeper: Keeper | None = None
        """None: nothing outlives the process."""
        self._recovering: asyncio.Task[None] | None = None
        self.engines = EngineWatch(
            engine_urls,
            on_up=self._joined,
            on_lost=self._left,
            on_cache_lost=self.runtime.lose_cache,
            on_doubt=self._doubted,
            poll_s=config.engine_poll_s,
            kind=kind,
            per_rank=per_rank,
            fixed_capacity_tokens=config.capacity_tokens,
        )
        """Engines are added and removed here while the session runs."""
        self._listeners: list[BackendListener] = []
        self.kv_events: KvEventWatch | None = None
        """None: not asked for."""
        if config.kv_events is not None:
            self.kv_events = self._follow_kv_events(config.kv_events, config.kv_events_replay, session_of)
        self._sandbox_listeners: list[Callable[[SandboxProfile], None]] = [self._writer.put] if self._writer else []
        self.tools: ToolHost | None = None
        """None: programs get no sandboxes here."""
        self.tool_thread: ToolThread | None = None
        """Where the tools live; None: on the session's loop."""
        if tools is not None and has_tools:
            self._open_tools(tools, tools_apart)
        self._wandb = self._open_wandb(config, profile_dir) if config.wandb is not None else None
        if config.store is not None:  # last: from here on it is locked
            self.keeper = self._open_store(config.store)
        self._sampling: asyncio.Task[None] | None = None
        self._started: asyncio.Task[None] | None = None

    def _open_store(self, path: str) -> Keeper:
        from thunderagent.adapters.store import open_store
        from thunderagent.runtime.keeper import Keeper

        store = open_store(path)
        keeper = Keeper(self.runtime, store, identity_of=self.engines.identity, same=same_process)
        if self.tools is not None and self.tool_thread is None:
            keeper.follow(self.tools.book, self.tools.outlive(store.owner_id, keeper))
        return keeper

    def _open_wandb(self, config: ThunderConfig, profile_dir: Path | None) -> SchedulingRun:
        if find_spec("wandb") is None:
            raise ConfigError("thunder.wandb", config.wandb, "needs W&B: pip install 'thunderagent[wandb]'")
        place = RunPlace(str(config.wandb), profile_dir, asdict(config))
        sampler = Sampler(self.runtime, self.engines.load, self._tool_snapshot)
        run = SchedulingRun(sampler, place, config.wandb_interval_s)
        self.on_step(run.took_step)
        return run

    def sampler(self) -> Sampler:
        """One more, of its caller's: each tells of the time since its own last sample. On the loop, once it runs."""
        sampler = Sampler(self.runtime, self.engines.load, self._tool_snapshot)
        self.on_step(sampler.took_step)
        return sampler

    def _open_tools(self, config: ToolsConfig, apart: bool) -> None:
        from thunderagent.adapters.tools import open_tools
        from thunderagent.runtime.tools import ToolThread

        self.tools = open_tools(config, self._took_sandbox)
        if apart:
            self.tool_thread = ToolThread(self.tools, self.runtime)
        else:
            self.tools.follow(self.runtime)

    def _follow_kv_events(self, port: int | str, replay_port: int | str | None, session_of: Callable[[str], str]) -> KvEventWatch:
        try:
            from thunderagent.adapters.engines.kv_events import EventPorts, KvEventWatch
        except ImportError:
            raise ConfigError("thunder.kv_events", port, "needs pyzmq: pip install 'thunderagent[kv-events]'") from None
        watch = KvEventWatch(
            EventPorts(str(port), None if replay_port is None else str(replay_port)),
            on_resident=self.runtime.kv_resident,
            on_cleared=self.runtime.lose_cache,
            session_of=session_of,
        )
        self.listen(watch)
        self.on_step(watch.took_step)
        return watch

    def listen(self, listener: BackendListener) -> None:
        """Tell it of every backend; to be called before ``start``."""
        self._listeners.append(listener)

    def on_step(self, listener: Callable[[StepProfile], None]) -> None:
        """Call it for every finished step; it must not block. To be called before ``start``."""
        self._step_listeners.append(listener)

    def on_sandbox(self, listener: Callable[[SandboxProfile], None]) -> None:
        """Call it, where the tools live, for every sandbox that a program is done with; it must not block."""
        self._sandbox_listeners.append(listener)

    async def start(self, required: bool = True, *, recovered: bool = True) -> None:
        """Find the engines, bring back the programs of the store; every later call waits for the first.

        ``recovered``: whether to wait for the programs, too. No turn is to be run before they are back.

        Raises:
            ConfigError: no engine answers, and ``required`` says that one has to.
            StoreError: the store cannot be read.
        """
        if self._started is None:
            self._started = asyncio.create_task(self._start(required))
        if not self._started.done():
            await asyncio.shield(self._started)
        self._started.result()
        if recovered and self._recovering is not None:
            await asyncio.shield(self._recovering)

    async def _start(self, required: bool) -> None:
        try:
            remembered = None if self.keeper is None else await self.keeper.load()
            await self.engines.start(required)
        except BaseException:
            if self.keeper is not None:
                self.keeper.close()  # somebody else may have the store
            raise
        if self.keeper is not None and remembered is not None:
            self._recovering = asyncio.create_task(self.keeper.recover(remembered), name="thunderagent-recovery")
        if self.tool_thread is not None:
            self.tool_thread.start()
        elif self.tools is not None:
            if remembered is not None:
                self.tools.recover(remembered.leases)
            await self.tools.start()
        if self._wandb is not None:
            self._sampling = asyncio.create_task(self._wandb.follow(), name="thunderagent-wandb")

    def snapshot(self) -> dict[str, float]:
        """``Runtime.snapshot``, and profiles that were not written; with tools ``ToolHost.snapshot``, names after ``tools_``."""
        dropped = 0 if self._writer is None else self._writer.dropped
        tools = {f"tools_{name}": value for name, value in self._tool_snapshot().items()}
        return {**self.runtime.snapshot(), "profiles_dropped": dropped, **tools}

    def _tool_snapshot(self) -> dict[str, float]:
        return {} if self.tools is None else self.tools.snapshot()

    async def stop(self) -> None:
        """Stop looking after the engines, remove all sandboxes, and write the last profiles."""
        await self.engines.stop()
        if self.tools is not None and self.tool_thread is None:
            await self.tools.close()
        if self._sampling is not None:
            self._sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sampling
        self.close()

    def close(self) -> None:
        """Write the last profiles, end the run of W&B; sandboxes that have a thread of their own go with it. The watch ends
        with its loop."""
        if self.tool_thread is not None:
            self.tool_thread.stop()
        if self.kv_events is not None:
            self.kv_events.close()
        if self._writer is not None:
            self._writer.close()
        if self._wandb is not None:
            self._wandb.close()
        if self._recovering is not None:
            self._recovering.cancel()
        if self.keeper is not None:
            self.keeper.close()

    def _took_step(self, step: StepProfile) -> None:
        for listener in self._step_listeners:
            listener(step)

    def _took_sandbox(self, sandbox: SandboxProfile) -> None:
        for listener in self._sandbox_listeners:
            listener(sandbox)

    def _joined(self, backend_id: str, capacity_tokens: int | None, host_tokens: int) -> None:
        for listener in self._listeners:
            listener.joined(backend_id)
        self.runtime.add_backend(backend_id, capacity_tokens, host_tokens)
        if self.keeper is not None:
            self.keeper.joined(backend_id)

    def _left(self, backend_id: str) -> None:
        for listener in self._listeners:
            listener.left(backend_id)
        self.runtime.remove_backend(backend_id)

    def _doubted(self, backend_id: str, healthy: bool) -> None:
        self.runtime.set_health(backend_id, healthy=healthy, source=PAGES)
