"""What there really is, compared with what should be; time is simulated."""

from __future__ import annotations

import asyncio

import pytest

from tests.runtime.tools.paced_backend import PacedBackend
from tests.runtime.tools.test_host import IMAGE, OTHER, Fixture, scenario
from tests.simulated_time import run
from thunderagent.core.resources import Budgets
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import SandboxRequest, reclaim
from thunderagent.runtime.tools.backend import OWNER

REUSABLE = SandboxRequest(image="x", reusable=True)


def test_what_dead_owners_left_goes_at_the_start_and_the_living_keep_theirs() -> None:
    backend = PacedBackend()
    backend.existing = {"of the dead": {OWNER: "dead"}, "of the living": {OWNER: "living"}, "of nobody": {}}

    async def whole() -> None:
        fixture = Fixture(backend=backend, is_dead=lambda owner: owner == "dead")
        await fixture.tools.start()
        assert backend.existing.keys() == {"of the living", "of nobody"}
        await fixture.tools.close()

    run(whole())


def test_removals_of_the_dead_that_fail_are_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    backend = PacedBackend()
    backend.existing = {"stubborn": {OWNER: "dead"}}
    backend.remove_failures = [SandboxProblem("device is busy")]

    async def nothing(f: Fixture) -> None:
        assert "stubborn, whose owner dead is dead, could not be removed: device is busy" in caplog.text
        await asyncio.sleep(40)
        assert backend.existing == {}

    scenario(nothing, backend=backend, is_dead=lambda owner: owner == "dead")


def test_a_backend_that_is_down_at_the_start_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    backend = PacedBackend()
    backend.down = True
    backend.existing = {"left": {OWNER: "dead"}}

    async def later(f: Fixture) -> None:
        assert "the backend does not answer" in caplog.text
        backend.down = False
        await asyncio.sleep(40)
        assert backend.existing == {}

    scenario(later, backend=backend, is_dead=lambda owner: owner == "dead")


def test_what_vanished_is_not_handed_out() -> None:
    async def program(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        held = await f.tools.acquire("q", REUSABLE)
        f.tools.program_over("q")
        used = await f.tools.acquire("r", OTHER)
        await asyncio.sleep(5)
        f.backend.existing.clear()
        await asyncio.sleep(40)
        assert [f.tools.of_program(name) for name in ("p", "r")] == [[], []]
        assert (await f.tools.acquire("p", IMAGE)).waited_s == pytest.approx(1.0)
        assert (await f.tools.acquire("q", REUSABLE)).id not in (held.id, used.id)

    scenario(program)


def test_what_nobody_knows_of_is_removed() -> None:
    async def program(f: Fixture) -> None:
        f.backend.existing["left by a lost answer"] = {OWNER: "me"}
        sandbox = await f.tools.acquire("p", IMAGE)
        await asyncio.sleep(40)
        assert list(f.backend.existing) == [sandbox.id]

    scenario(program)


def test_what_could_not_be_cleared_up_is_found_by_a_later_sweep(caplog: pytest.LogCaptureFixture) -> None:
    async def program(f: Fixture) -> None:
        f.backend.failures = [SandboxProblem("it broke", permanent=True)]
        f.backend.remove_failures = [SandboxProblem("and cannot be removed")]
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(5)
        assert "could not be removed: and cannot be removed" in caplog.text
        assert len(f.backend.existing) == 1
        await asyncio.sleep(40)
        assert f.backend.existing == {}

    scenario(program)


def test_disk_is_followed_as_it_grows() -> None:
    async def program(f: Fixture) -> None:
        sandbox = await f.tools.acquire("p", IMAGE)
        f.backend.disk_bytes[sandbox.id] = 5_000
        await asyncio.sleep(40)
        assert f.tools.snapshot()["disk_bytes"] == 5_000
        f.tools.program_over("p")
        await asyncio.sleep(1)
        assert f.tools.snapshot()["disk_bytes"] == 0

    assert scenario(program).profiles[0].disk_bytes == 5_000


def test_images_that_an_earlier_life_fetched_are_counted_and_the_least_used_go_when_disk_is_short() -> None:
    backend = PacedBackend()
    backend.fetched, backend.image_bytes = {"old": 600, "older": 300}, {"python:3.12": 500, "node:24": 500}

    async def program(f: Fixture) -> None:
        assert f.tools.snapshot()["image_disk_bytes"] == 900
        await f.tools.acquire("p", IMAGE)
        await asyncio.sleep(1)
        assert sum(backend.fetched.values()) <= 1_000
        assert "python:3.12" in backend.fetched

    scenario(program, backend=backend, budgets=Budgets(disk_bytes=1_000))


def test_a_sweep_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    async def program(f: Fixture) -> None:
        f.backend.existing["left"] = {OWNER: "me"}
        f.backend.found_failures = [RuntimeError("a bug")]
        await asyncio.sleep(40)
        assert "looking after sandboxes failed" in caplog.text
        assert list(f.backend.existing) == ["left"]
        await asyncio.sleep(30)
        assert f.backend.existing == {}

    scenario(program)


def test_an_image_that_cannot_be_removed_is_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    backend = PacedBackend()
    backend.fetched = {"old": 600}
    backend.image_failures = [SandboxProblem("busy"), RuntimeError("a bug")]

    async def program(f: Fixture) -> None:
        await asyncio.sleep(50)
        assert "image old could not be removed: busy" in caplog.text
        assert f.tools.snapshot()["image_disk_bytes"] == 600
        await asyncio.sleep(150)
        assert (f.tools.snapshot()["image_disk_bytes"], backend.fetched) == (0, {})

    scenario(program, backend=backend, budgets=Budgets(disk_bytes=100))


def test_a_removal_that_hangs_is_tried_again() -> None:
    async def program(f: Fixture) -> None:
        await f.tools.acquire("p", IMAGE)
        f.backend.remove_s = 1e6
        f.tools.program_over("p")
        await asyncio.sleep(50)
        f.backend.remove_s = 0.1
        await asyncio.sleep(20)
        assert f.backend.existing == {}

    scenario(program)


def test_reclaiming_tells_what_went_and_what_did_not() -> None:
    backend = PacedBackend()
    backend.existing = {name: {OWNER: "dead"} for name in "abc"}
    backend.remove_failures = [SandboxProblem("busy")]

    async def whole() -> None:
        gone, left = await reclaim(backend, lambda owner: True)
        assert len(gone) == 2
        assert [problem for _, problem in left] == ["busy"]

    run(whole())
