"""What programs have of tools is written by the keeper, and durable when it has to be."""

from __future__ import annotations

import asyncio

import pytest

from tests.disk import Disk
from tests.memory_sandboxes import MemorySandboxes
from tests.runtime.test_keeper import a_turn, run
from thunderagent.adapters.tools.owner import new_owner_id
from thunderagent.core import ThunderPolicy
from thunderagent.runtime import Runtime
from thunderagent.runtime.keeper import Keeper
from thunderagent.runtime.tools import SandboxRequest, ToolHost

IMAGE = SandboxRequest(image="small")


class Life:
    """A scheduler with a store and tools, as ``Session`` puts them together."""

    def __init__(self, store: Disk, backend: MemorySandboxes) -> None:
        self.runtime = Runtime(ThunderPolicy())
        self.runtime.add_backend("a", 50_000)
        self.tools = ToolHost(backend, new_owner_id(), ports=range(20_000, 20_002))
        self.tools.follow(self.runtime)
        self.keeper = Keeper(self.runtime, store)
        self.keeper.follow(self.tools.book, self.tools.outlive(store.owner_id, self.keeper))

    async def start(self) -> Life:
        remembered = await self.keeper.load()
        self.tools.recover(remembered.leases)
        await self.keeper.recover(remembered)
        return self

    def kill(self) -> None:
        """What SIGKILL leaves: what was written."""
        assert self.keeper._task is not None
        self.keeper._task.cancel()

    def has(self, program_id: str) -> list[str]:
        return [view.id for view in self.tools.of_program(program_id)]


def test_whoever_is_told_that_he_has_something_has_it_after_a_crash() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes("theirs")
        life = await Life(store, backend).start()
        store.may_write.clear()
        asked = [
            asyncio.create_task(life.tools.acquire("p", IMAGE)),
            asyncio.create_task(life.tools.attach("p", "theirs")),
            asyncio.create_task(life.tools.lease_port("q")),
        ]
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(life.has("p")) == 2
        assert not any(one.done() for one in asked), "nothing of it is durable"
        store.may_write.set()
        held, _, _ = await asyncio.gather(*asked)
        life.kill()
        life = await Life(store, backend).start()
        assert set(life.has("p")) == {held.id, "theirs"}
        assert await life.tools.lease_port("r") == 20_001
        life.keeper.close()

    run(scenario())


def test_a_program_that_was_said_to_be_over_has_nothing_after_a_crash() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes()
        life = await Life(store, backend).start()
        await life.tools.acquire("p", IMAGE)
        await a_turn(life.runtime, "p")
        life.runtime.release("p")
        await life.keeper.forgotten("p")
        assert (store.leases, store.programs) == ({}, {})
        life.kill()
        life = await Life(store, backend).start()
        assert life.has("p") == []
        life.keeper.close()

    run(scenario())


def test_whoever_gives_up_while_it_is_written_leaves_nothing() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes()
        life = await Life(store, backend).start()
        store.may_write.clear()
        asked = asyncio.create_task(life.tools.acquire("p", IMAGE))
        while not life.has("p") or life.tools.of_program("p")[0].status != "in use":  # noqa: ASYNC110
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert life.has("p") == []
        store.may_write.set()
        await life.tools.kept("p")
        assert store.leases == {}
        life.keeper.close()

    run(scenario())


def test_a_store_that_fails_holds_nobody_up_and_gets_everything_when_it_works_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("thunderagent.runtime.keeper.RETRY_S", 0.01)
        store, backend = Disk(), MemorySandboxes()
        life = await Life(store, backend).start()
        await life.tools.acquire("before", IMAGE)
        store.failing = "state.db cannot be written (database or disk is full)"
        await life.tools.acquire("p", IMAGE)
        assert life.keeper.behind
        await life.tools.acquire("q", IMAGE)
        store.leases.clear()  # as if the file had vanished
        store.failing = ""
        while life.keeper.behind:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert set(store.leases) == {"before", "p", "q"}
        life.keeper.close()

    run(scenario())


def test_what_changed_last_is_written_when_it_is_closed() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes()
        life = await Life(store, backend).start()
        await life.tools.acquire("p", IMAGE)
        life.tools.program_over("p")
        life.keeper.close()
        assert store.leases == {}

    run(scenario())


def test_a_clean_end_leaves_no_sandboxes_and_no_leases() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes()
        life = await Life(store, backend).start()
        await life.tools.acquire("p", IMAGE)
        assert store.leases["p"]["sandboxes"]
        await life.tools.close()
        life.keeper.close()
        assert (backend.made, store.leases) == ({}, {})

    run(scenario())


def test_containers_are_labelled_with_the_stores_owner_and_named_after_their_process() -> None:
    async def scenario() -> None:
        store, backend = Disk(), MemorySandboxes()
        lives = [await Life(store, backend).start() for _ in range(2)]
        names = [(await life.tools.acquire("p", IMAGE)).id for life in lives]
        assert names[0] != names[1], "no life makes a name of another one"
        assert {life.tools.reactor.owner_id for life in lives} == {store.owner_id}
        for life in lives:
            life.keeper.close()

    run(scenario())
