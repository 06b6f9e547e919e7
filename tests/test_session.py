"""A session joins engines to its scheduler, and tells its listeners before turns may go there."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.adapters.engines.kv_events.publisher import CLEARED, publishing, stored
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.config import ThunderConfig
from thunderagent.core import Usage
from thunderagent.errors import ConfigError, StoreError
from thunderagent.runtime.tools import SandboxProfile
from thunderagent.session import Session
from thunderagent.tools_config import ToolsConfig

NOBODY = "http://127.0.0.1:9"


class Listener:
    """Notes what it is told, and how many backends the scheduler knows at that moment."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[tuple[str, str, int]] = []
        session.listen(self)

    def joined(self, backend_id: str) -> None:
        self.told.append(("joined", backend_id, len(self.session.runtime.scheduler.ledger.backends)))

    def left(self, backend_id: str) -> None:
        self.told.append(("left", backend_id, len(self.session.runtime.scheduler.ledger.backends)))


SGLANG = 'sglang:max_total_num_tokens{model_name="m"} 5000\n'


async def engine(page: str = SGLANG) -> tuple[web.AppRunner, str]:
    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text=page)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_listeners_hear_of_a_backend_before_it_gets_turns_and_of_its_end_before_they_are_lost() -> None:
    async def scenario() -> None:
        runner, url = await engine()
        session = Session(ThunderConfig(), [url])
        listener = Listener(session)
        await session.start()
        await session.start()
        assert session.runtime.scheduler.ledger.backends[url].capacity_tokens == 5_000
        session.engines.remove(url)
        assert listener.told == [("joined", url, 0), ("left", url, 1)]
        assert session.runtime.scheduler.ledger.backends == {}
        await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())


def test_a_session_wants_an_engine_unless_it_is_told_otherwise() -> None:
    async def scenario() -> None:
        with pytest.raises(ConfigError, match="no engine answers there"):
            await Session(ThunderConfig(), [NOBODY]).start()
        session = Session(ThunderConfig(), [])
        await session.start(required=False)
        await session.stop()

    asyncio.run(scenario())


def test_an_engine_that_is_added_later_joins() -> None:
    async def scenario() -> None:
        runner, url = await engine()
        session = Session(ThunderConfig(), [NOBODY])
        joined = asyncio.Event()

        class Waiter(Listener):
            def joined(self, backend_id: str) -> None:
                joined.set()

        Waiter(session)
        await session.start(required=False)
        session.engines.add(url)
        await joined.wait()
        assert list(session.runtime.scheduler.ledger.backends) == [url]
        await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())


def test_stopping_writes_the_last_profiles(tmp_path: Path) -> None:
    async def scenario() -> None:
        session = Session(ThunderConfig(profile_dir=str(tmp_path)), [])
        await session.start(required=False)
        session.runtime.add_backend("a", None)
        async with session.runtime.turn("p", prompt_tokens=10) as turn:
            turn.finish(Usage(10, 1))
        await session.stop()

    asyncio.run(scenario())
    (line,) = (tmp_path / "profile.jsonl").read_text().splitlines()
    assert json.loads(line)["program_id"] == "p"


def test_an_engine_that_answers_wrongly_gets_no_new_turns_until_it_answers_rightly_again() -> None:
    async def scenario() -> None:
        runtime = (session := Session(ThunderConfig(), [])).runtime
        runtime.add_backend("a", 5_000)
        session._doubted("a", False)
        assert not runtime.scheduler.ledger.backends["a"].usable
        runtime.set_health("a", healthy=True)
        assert not runtime.scheduler.ledger.backends["a"].usable, "the pages object still"
        session._doubted("a", True)
        assert runtime.scheduler.ledger.backends["a"].usable

    asyncio.run(scenario())


def test_the_host_tier_and_lost_caches_reach_the_scheduler() -> None:
    async def scenario() -> None:
        runner, url = await engine()
        session = Session(ThunderConfig(), [url], kind=EngineKind.SGLANG)
        await session.start()
        backend = session.runtime.scheduler.ledger.backends[url]
        epoch = backend.epoch
        session.engines._on_up(url, 5_000, 700)
        session.engines._on_cache_lost(url)
        assert (backend.host_tokens, backend.epoch) == (700, epoch + 1)
        await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())


def test_engines_tell_a_session_how_much_of_a_program_s_kv_is_left() -> None:
    async def scenario() -> None:
        runner, url = await engine()
        async with publishing() as publisher:
            ports = ThunderConfig(kv_events=publisher.port, kv_events_replay=publisher.replay_port)
            session = Session(ports, [url], session_of=lambda program: program.removeprefix("train/"))
            await session.start()
            await publisher.subscribed()
            async with session.runtime.turn("train/p", prompt_tokens=40) as turn:
                await publisher.publish(stored(1, 2, 3))
                turn.finish(Usage(40, 10))
            program = session.runtime.scheduler.programs["train/p"]
            async with asyncio.timeout(10):
                while program.cached_tokens != 48:  # noqa: ASYNC110 - the sockets are real
                    await asyncio.sleep(0.005)
                epoch = session.runtime.scheduler.ledger.backends[url].epoch
                await publisher.publish(CLEARED)
                while session.runtime.scheduler.ledger.backends[url].epoch == epoch:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            assert not session.runtime.kv_resident("nobody", url, 5)
            await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())


def test_ranks_are_backends_where_the_host_can_reach_them() -> None:
    async def scenario() -> None:
        line = 'vllm:cache_config_info{{block_size="16",engine="{rank}",num_gpu_blocks="202"}} 1.0\n'
        runner, url = await engine(line.format(rank=0) + line.format(rank=1))
        backends = []
        for per_rank in (False, True):
            session = Session(ThunderConfig(), [url], per_rank=per_rank)
            await session.start()
            known = session.runtime.scheduler.ledger.backends
            backends.append({backend.id: backend.capacity_tokens for backend in known.values()})
            await session.stop()
        assert backends == [{url: 3_200}, {f"{url}#0": 1_600, f"{url}#1": 1_600}]
        await runner.cleanup()

    asyncio.run(scenario())


def test_without_pyzmq_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("thunderagent.adapters.engines.kv_events")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "zmq.asyncio", None)
    with pytest.raises(ConfigError, match=r"thunder.kv_events=5557: needs pyzmq: pip install 'thunderagent\[kv-events\]'"):
        Session(ThunderConfig(kv_events=5557), [NOBODY])


def test_a_session_with_a_project_of_wandb_records_its_scheduling_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    from tests.adapters.tracking import wandb_file

    async def scenario() -> None:
        runner, url = await engine()
        session = Session(ThunderConfig(wandb="agents", wandb_interval_s=3600, profile_dir=str(tmp_path)), [url])
        await session.start()
        async with session.runtime.turn("p", prompt_tokens=100) as turn:
            turn.finish(Usage(100, 10, 0))
        await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())
    (file,) = wandb_file.files(tmp_path)
    (last,) = wandb_file.history(file)
    assert last["thunder/kv_cache/capacity_tokens"] == 5_000
    assert last["thunder/steps/latest"]["nrows"] == 1


def test_a_project_of_wandb_without_wandb_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thunderagent.session.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^thunder.wandb=agents: needs W&B: pip install 'thunderagent\[wandb\]'$"):
        Session(ThunderConfig(wandb="agents"), [NOBODY])


def test_listeners_are_told_of_every_sandbox_that_a_program_is_done_with() -> None:
    async def scenario() -> None:
        tools = ToolsConfig(backend="callable", factory="tests.adapters.tools.users_sandboxes:Plain", image="small")
        session = Session(ThunderConfig(), [NOBODY], tools=tools)
        heard: list[SandboxProfile] = []
        session.on_sandbox(heard.append)
        await session.start(required=False)
        assert session.tools is not None
        held = await session.tools.acquire("p")
        session.tools.program_over("p")
        assert [(one.sandbox_id, one.outcome) for one in heard] == [(held.id, "used")]
        await session.stop()

    asyncio.run(scenario())


def test_what_a_session_knew_is_known_to_the_next_one_with_its_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        runner, url = await engine()
        config = ThunderConfig(store=str(tmp_path / "state.db"))
        for number in range(2):
            session = Session(config, [url])
            await session.start()
            assert list(session.runtime.scheduler.programs) == ["p"] * number
            if number == 0:
                async with session.runtime.turn("p", prompt_tokens=100) as turn:
                    turn.finish(Usage(100, 5))
            program = session.runtime.scheduler.programs["p"]
            assert (program.context_tokens, program.backend is not None) == (105, True)
            await session.stop()
        await runner.cleanup()

    asyncio.run(scenario())


def test_a_session_that_cannot_start_leaves_its_store_to_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = ThunderConfig(store=str(tmp_path / "state.db"))
        with pytest.raises(ConfigError, match="no engine answers there"):
            await Session(config, [NOBODY]).start()
        session = Session(config, [])
        with pytest.raises(StoreError, match="in use by another scheduler"):
            Session(config, [])
        session.close()

    asyncio.run(scenario())
