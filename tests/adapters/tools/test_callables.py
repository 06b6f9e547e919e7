"""Sandboxes that the user's own code makes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.tools import users_sandboxes
from thunderagent.adapters.tools import open_tools
from thunderagent.adapters.tools.callables import load_backend, plain
from thunderagent.errors import ConfigError, SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Made, Output, SandboxRequest
from thunderagent.runtime.tools.backend import MAX_OUTPUT_BYTES
from thunderagent.tools_config import ToolsConfig

USERS = "tests.adapters.tools.users_sandboxes"
LABELS = {"thunderagent.sandbox": "box", "thunderagent.owner": "me"}


@pytest.fixture(autouse=True)
def nothing_exists() -> Iterator[None]:
    users_sandboxes.existing.clear()
    users_sandboxes.gate = asyncio.Event()
    yield


def backend(name: str = "Plain") -> Any:
    return load_backend(f"{USERS}:{name}")


# Finding it


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("plain", "must be module:name"),
        (":plain", "must be module:name"),
        ("nowhere.at_all:Plain", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        (f"{USERS}:Missing", "cannot be imported: AttributeError: .* has no attribute 'Missing'"),
        (f"{USERS}:number", "must be a class or a function, not int"),
        (f"{USERS}:broken", "failed when it was called without arguments: RuntimeError: no credentials"),
        (f"{USERS}:Forgetful", "gives a Forgetful without execute; needed are create, execute, remove"),
        ("builtins:dict", "gives a dict without create, execute, remove; needed are create, execute, remove"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_it_lacks(path: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=f"tools.factory={path}: {problem}"):
        load_backend(path)


def test_modules_of_the_current_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_sandboxes_here.py").write_text(f"from {USERS} import Plain")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path][1:])
    assert load_backend("my_sandboxes_here:Plain").name == "callable"


def test_a_module_that_fails_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_broken_sandboxes.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="cannot be imported: ZeroDivisionError: division by zero"):
        load_backend("my_broken_sandboxes:Plain")


# Three functions


def test_three_functions_are_enough_for_programs_to_have_sandboxes() -> None:
    async def scenario() -> None:
        host = open_tools(ToolsConfig(backend="callable", factory=f"{USERS}:Plain", image="small", setup="install"))
        await host.start()
        host.program_began("p")
        held = await host.acquire("p")
        assert (await host.execute("p", held.id, Command("hello"))).text == "hello"
        [sandbox] = users_sandboxes.existing
        assert [line for line, _, _ in sandbox["ran"]] == ["install", "hello"]
        assert sandbox["labels"]["thunderagent.program"] == "p"
        await host.close()

    asyncio.run(scenario())
    assert users_sandboxes.existing == []


def test_commands_carry_what_the_request_says_of_their_place_and_environment() -> None:
    async def scenario() -> None:
        sandboxes, request = backend(), SandboxRequest(workdir="/work", environment={"A": "1", "B": "1"})
        await sandboxes.prepare("box", request, LABELS)
        await sandboxes.execute("box", request, Command("a", environment={"B": "2"}))
        await sandboxes.execute("box", request, Command("b", workdir="/else"))

    asyncio.run(scenario())
    assert users_sandboxes.existing[0]["ran"] == [
        ("a", "/work", {"A": "1", "B": "2"}),
        ("b", "/else", {"A": "1", "B": "1"}),
    ]


def test_a_setup_that_fails_fails_the_preparation_and_what_was_made_can_be_removed() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        with pytest.raises(SandboxProblem, match="its setup ended with exit code 1: fail"):
            await sandboxes.prepare("box", SandboxRequest(setup="fail"), LABELS)
        await sandboxes.remove("box")

    asyncio.run(scenario())
    assert users_sandboxes.existing == []


def test_a_creation_that_takes_too_long_is_removed_when_it_is_there() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        preparing = asyncio.create_task(sandboxes.prepare("box", SandboxRequest(image="slow"), LABELS))
        await asyncio.sleep(0)
        preparing.cancel()
        await asyncio.wait([preparing])
        assert await sandboxes.found() == [Found("box", LABELS)], "later sweeps know of it"
        removing = asyncio.create_task(sandboxes.remove("box"))
        await asyncio.sleep(0)
        assert not removing.done()
        users_sandboxes.gate.set()
        await removing
        assert await sandboxes.found() == []

    asyncio.run(scenario())
    assert users_sandboxes.existing == []


def test_a_creation_that_fails_leaves_nothing_to_remove() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        with pytest.raises(SandboxProblem, match=r"Plain\.create: ValueError: no such image"):
            await sandboxes.prepare("box", SandboxRequest(image="bad"), LABELS)
        assert await sandboxes.found() == []
        await sandboxes.remove("box")

    asyncio.run(scenario())


def test_a_removal_that_fails_is_told_and_can_be_tried_again() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        await sandboxes.prepare("box", SandboxRequest(image="stuck"), LABELS)
        with pytest.raises(SandboxProblem, match=r"Plain\.remove: OSError: still busy"):
            await sandboxes.remove("box")
        await sandboxes.remove("box")

    asyncio.run(scenario())
    assert users_sandboxes.existing == []


def test_a_sandbox_that_was_removed_is_gone() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        await sandboxes.prepare("box", SandboxRequest(), LABELS)
        await sandboxes.remove("box")
        with pytest.raises(SandboxGone, match="'box' is not there any more"):
            await sandboxes.execute("box", SandboxRequest(), Command("a"))
        with pytest.raises(SandboxGone, match="cannot be attached"):
            await sandboxes.attach("somebodys")

    asyncio.run(scenario())


def test_with_a_list_another_process_finds_and_removes_them() -> None:
    async def scenario() -> None:
        request = SandboxRequest()
        await backend("Listing").prepare("box", request, LABELS)
        users_sandboxes.existing.append({"image": "", "labels": {"somebody": "else's"}, "ran": []})
        another = backend("Listing")
        assert await another.found() == [Found("box", LABELS)]
        assert (await another.execute("box", request, Command("a"))).text == "a"
        await another.remove("box")
        await another.close()

    asyncio.run(scenario())
    assert [sandbox["labels"] for sandbox in users_sandboxes.existing] == [{"somebody": "else's"}]
    assert users_sandboxes.Listing.closed


def test_without_a_list_only_what_this_process_has_made_is_known() -> None:
    async def scenario() -> None:
        await backend().prepare("box", SandboxRequest(), LABELS)
        another = backend()
        assert await another.found() == []
        await another.close()

    asyncio.run(scenario())


def test_a_list_of_something_else_is_a_problem() -> None:
    with pytest.raises(SandboxProblem, match=r"list\(\) must give pairs of handle and labels"):
        asyncio.run(backend("WrongList").found())


def test_an_output_that_is_none_is_a_problem_and_one_that_is_too_long_is_cut() -> None:
    async def scenario() -> Output:
        careless, sandboxes = backend("Careless"), backend()
        for each in (careless, sandboxes):
            await each.prepare("box", SandboxRequest(), LABELS)
        with pytest.raises(SandboxProblem, match=r"Careless\.execute: it gave str, it must be Output"):
            await careless.execute("box", SandboxRequest(), Command("a"))
        return await sandboxes.execute("box", SandboxRequest(), Command(str(2 * MAX_OUTPUT_BYTES)))

    output = asyncio.run(scenario())
    assert output.truncated and len(output.text) < MAX_OUTPUT_BYTES + 100


def test_code_that_does_not_keep_to_the_time_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "GRACE_S", 0.0)

    async def scenario() -> Output:
        sandboxes = backend("Careless")
        await sandboxes.prepare("box", SandboxRequest(), LABELS)
        return await sandboxes.execute("box", SandboxRequest(), Command("wait", timeout_s=0.01))

    assert asyncio.run(scenario()) == Output("", None)


def test_images_are_the_users() -> None:
    async def scenario() -> None:
        sandboxes = backend()
        assert await sandboxes.prepare("box", SandboxRequest(image="small"), LABELS) == Made(image_bytes=0)
        assert await sandboxes.images() == {}
        assert not await sandboxes.remove_image("small")

    asyncio.run(scenario())


# All methods


def test_an_object_with_all_methods_is_asked_for_everything() -> None:
    async def scenario() -> None:
        sandboxes = backend("Whole")
        assert await sandboxes.prepare("box", SandboxRequest(), LABELS) == Made(7)
        assert await sandboxes.execute("box", SandboxRequest(), Command("a")) == Output("box", 0)
        assert await sandboxes.attach("somebodys") == "somebodys"
        assert await sandboxes.found() == [Found("a", {})]
        assert await sandboxes.images() == {"image": 3}
        assert await sandboxes.remove_image("image")
        with pytest.raises(SandboxProblem, match=r"Whole\.prepare: KeyError: 'bad'"):
            await sandboxes.prepare("box", SandboxRequest(image="bad"), LABELS)
        await sandboxes.remove("box")
        await sandboxes.close()

    asyncio.run(scenario())


def test_one_that_lacks_a_method_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(users_sandboxes.Whole, "found")
    with pytest.raises(ConfigError, match="gives a Whole without found; needed are prepare, execute, remove, attach, found"):
        backend("Whole")
