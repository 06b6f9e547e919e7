"""What programs have of tools is kept, and is theirs in the next life of the host; time is simulated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.runtime.tools.paced_backend import PacedBackend
from tests.runtime.tools.test_host import IMAGE, OTHER, Fixture
from tests.simulated_time import run
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Command
from thunderagent.runtime.tools.backend import OWNER

PORTS = range(20_000, 20_003)


class Kept:
    """Writes when it is asked for something, or told to."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.waited: list[str] = []
        self.woken = self.lives = 0

    def open(self, backend: PacedBackend) -> Fixture:
        """A host that has what was kept; not started yet."""
        self.lives += 1
        self.fixture = Fixture(backend=backend, ports=PORTS, owner_id=f"life-{self.lives}")
        self.changed = self.fixture.tools.outlive("the store's", self)
        self.fixture.tools.recover(self.rows)
        return self.fixture

    def wake(self) -> None:
        self.woken += 1

    async def leased(self, program_id: str) -> None:
        self.waited.append(program_id)
        await asyncio.sleep(0.01)
        self.write()

    def write(self) -> None:
        self.rows |= {name: self.fixture.tools.book.leases(name) for name in self.changed}
        self.rows = {name: row for name, row in self.rows.items() if row}
        self.changed.clear()


def kill(fixture: Fixture) -> None:
    """SIGKILL: what it was about to do is never done."""
    fixture.tools._sweeper.stop()
    for task in fixture.tools.reactor._carrying_out._tasks:
        task.cancel()
    if fixture.tools.reactor._timer is not None:
        fixture.tools.reactor._timer.cancel()


def test_sandboxes_and_ports_are_their_programs_after_a_crash_and_all_else_goes() -> None:
    async def whole() -> None:
        backend, kept = PacedBackend(), Kept()
        backend.foreign = {"abc123", "def456"}
        f = kept.open(backend)
        await f.tools.start()
        used = await f.tools.acquire("p", IMAGE)
        f.tools.prepare("p", OTHER)
        over = await f.tools.acquire("over", IMAGE)
        await f.tools.attach("p", "abc")
        await f.tools.attach("q", "def")
        assert [await f.tools.lease_port(name) for name in ("over", "p")] == [20_000, 20_001]
        assert kept.waited == ["p", "over", "p", "q", "over", "p"]
        await asyncio.sleep(2)
        ready = next(view.id for view in f.tools.of_program("p") if view.status == "ready")
        backend.remove_s = 100
        f.tools.program_over("over")
        assert kept.changed == {"over"} and kept.woken
        kept.write()
        f.tools.prepare("late", IMAGE)
        await asyncio.sleep(0.5)
        kill(f)
        assert over.id in backend.existing
        backend.foreign.remove("def456")
        backend.remove_s = 0.1

        f = kept.open(backend)
        await f.tools.start()
        await asyncio.sleep(1)
        assert set(backend.existing) == {used.id, ready}
        assert [(view.id, view.status, view.attached) for view in f.tools.of_program("p")] == [
            (used.id, "in use", False),
            (ready, "ready", False),
            ("abc123", "in use", True),
        ]
        assert f.tools.of_program("q") == [], "its container is gone"
        assert f.tools.snapshot()["sandboxes"] == 2
        assert (await f.tools.execute("p", used.id, Command("ls"))).text == "python:3.12: ls"
        again = await f.tools.acquire("p", OTHER)
        assert (again.id, again.waited_s) == (ready, 0.0), "it is not prepared twice"
        assert (await f.tools.acquire("new", IMAGE)).id not in {used.id, ready, over.id}
        assert [await f.tools.lease_port("new") for _ in range(2)] == [20_000, 20_002]
        f.tools.program_over("p")
        f.tools.program_over("new")
        await asyncio.sleep(1)
        assert (backend.existing, backend.foreign) == ({}, set())
        kept.write()
        assert kept.rows == {}
        outcomes = [(one.program_id, one.outcome, one.prepare_s) for one in f.profiles]
        assert outcomes == [("p", "used", 0.0), ("p", "used", 0.0), ("new", "used", 1.0)]
        await f.tools.close()

    run(whole())


def test_sandboxes_are_used_while_their_engine_does_not_answer_and_missed_once_it_does(caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        backend, kept = PacedBackend(), Kept()
        f = kept.open(backend)
        await f.tools.start()
        lost, there = await f.tools.acquire("p", IMAGE), await f.tools.acquire("p", IMAGE)
        kill(f)
        del backend.existing[lost.id]
        backend.down = True
        f = kept.open(backend)
        await f.tools.start()
        assert [view.id for view in f.tools.of_program("p")] == [lost.id, there.id]
        backend.down = False
        await asyncio.sleep(40)
        assert [view.id for view in f.tools.of_program("p")] == [there.id]
        assert f"1 sandboxes are not there any more, such as {lost.id}" in caplog.text
        kept.write()
        assert [one["id"] for one in kept.rows["p"]["sandboxes"]] == [there.id]
        await f.tools.close()

    run(whole())


def test_programs_that_never_come_back_lose_theirs_after_a_while() -> None:
    async def whole() -> None:
        backend, kept = PacedBackend(), Kept()
        f = kept.open(backend)
        await f.tools.start()
        await f.tools.acquire("p", IMAGE)
        await f.tools.lease_port("only-a-port")
        kill(f)
        f = kept.open(backend)
        await f.tools.start()
        await asyncio.sleep(1_900)
        kept.write()
        assert (backend.existing, kept.rows) == ({}, {})
        await f.tools.close()

    run(whole())


@pytest.mark.parametrize(
    "told",
    [
        *([], 5, None, {"sandboxes": [{}]}, {"sandboxes": 3}, {"sandboxes": [], "ports": ["x"]}, {"ports": [20_000]}),
        {"sandboxes": [{"id": 1, "request": "{}", "in_use": True, "foreign": False}]},
        {"sandboxes": [{"id": "a", "request": '{"no": 1}', "in_use": True, "foreign": False}]},
        {"sandboxes": [{"id": "a", "request": "no json", "in_use": True, "foreign": False}]},
    ],
)
def test_what_cannot_be_read_is_forgotten_and_its_sandboxes_go(told: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        backend, kept = PacedBackend(), Kept()
        backend.existing = {"a": {OWNER: "the store's"}, "living": {OWNER: "another store's"}}
        kept.rows = {"p": told}
        f = kept.open(backend)
        await f.tools.start()
        await asyncio.sleep(1)
        assert "what program 'p' had of tools cannot be read" in caplog.text
        assert list(backend.existing) == ["living"]
        kept.write()
        assert kept.rows == {}
        await f.tools.close()

    run(whole())


def test_a_host_that_keeps_nothing_waits_for_nobody() -> None:
    async def whole() -> None:
        f = Fixture(ports=PORTS)
        await f.tools.start()
        await f.tools.acquire("p", IMAGE)
        await f.tools.lease_port("p")
        assert f.tools.reactor.pool.changed is None
        await f.tools.close()

    run(whole())


def test_attached_containers_stay_their_programs_while_their_engine_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        backend, kept = PacedBackend(), Kept()
        backend.foreign = {"abc123", "def456"}
        f = kept.open(backend)
        await f.tools.start()
        for name in ("abc", "def"):
            await f.tools.attach("p", name)
        kill(f)
        backend.attach_failures = [SandboxProblem("the engine does not answer")]
        f = kept.open(backend)
        await f.tools.start()
        assert "attached containers cannot be looked at: the engine does not answer" in caplog.text
        assert [view.id for view in f.tools.of_program("p")] == ["abc123", "def456"]
        await f.tools.close()
        assert backend.foreign == set()

    run(whole())
