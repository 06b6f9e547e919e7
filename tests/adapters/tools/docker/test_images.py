"""Images are pulled when they are not there; these, and no others, are ours to remove, whoever asks later."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.tools.docker.lab import Lab
from thunderagent.adapters.tools.docker import images
from thunderagent.adapters.tools.docker.engine import Engine
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Made, SandboxRequest

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]
MEGABYTE = 1 << 20


def is_there(lab: Lab, image: str) -> bool:
    return image in lab.containers.podman("images", "--format={{.Repository}}:{{.Tag}}").split()


def is_ours(lab: Lab, image: str) -> bool:
    """Whether the engine remembers it as one that was pulled for sandboxes."""
    repositories = lab.containers.podman("images", "--format={{.Repository}}").split()
    return images._second_name(image).partition(":")[0] in repositories


def test_an_image_that_is_not_there_is_pulled_once_remembered_and_removed_when_nobody_uses_it(lab: Lab) -> None:
    image = lab.containers.publish(f"{lab.prefix}/project:Tag_1.0")

    async def by_several() -> None:
        names = [lab.name() for _ in range(3)]
        for made in await asyncio.gather(*(lab.make(name, SandboxRequest(image=image)) for name in names)):
            assert made.image_bytes is not None and 3 * MEGABYTE < made.image_bytes < 4 * MEGABYTE
        assert not await lab.backend.remove_image(image), "it is used"
        for name in names[:2]:
            await lab.backend.remove(name)
        lab.containers.podman("kill", names[2])
        assert not await lab.backend.remove_image(image), "a container that is stopped uses it"
        await lab.backend.remove(names[2])

    async def in_a_later_life() -> None:
        assert is_ours(lab, image)
        assert 3 * MEGABYTE < (await lab.backend.images())[image] < 4 * MEGABYTE
        assert await lab.backend.remove_image(image)
        assert image not in await lab.backend.images()
        assert not is_there(lab, image) and not is_ours(lab, image)
        assert await lab.backend.remove_image(image), "what is gone is gone"

    lab.run(by_several)
    lab.run(in_a_later_life)


def test_an_image_that_was_there_before_is_never_removed(lab: Lab) -> None:
    async def scenario() -> None:
        image = lab.containers.publish(f"{lab.prefix}/theirs:1")
        lab.containers.podman("pull", "--quiet", image)
        lab.images.append(image)
        name = lab.name()
        assert await lab.make(name, SandboxRequest(image=image)) == Made(image_bytes=0)
        await lab.backend.remove(name)
        assert image not in await lab.backend.images()
        assert await lab.backend.remove_image(image), "it is no concern of ours"
        assert is_there(lab, image)

    lab.run(scenario)


def test_what_somebody_else_has_given_the_name_of_ours_stays(lab: Lab) -> None:
    async def scenario() -> None:
        image, name = lab.containers.publish(f"{lab.prefix}/moved:1"), lab.name()
        await lab.make(name, SandboxRequest(image=image))
        await lab.backend.remove(name)
        lab.containers.podman("tag", lab.containers.image, image)
        lab.images.append(image)
        assert await lab.backend.remove_image(image)
        assert not is_ours(lab, image)
        assert is_there(lab, image)

    lab.run(scenario)


def test_an_image_may_be_named_by_its_digest(lab: Lab) -> None:
    async def scenario() -> None:
        published = lab.containers.publish(f"{lab.prefix}/exact:1")
        lab.containers.podman("pull", "--quiet", published)
        image = lab.containers.podman("inspect", "--format={{index .RepoDigests 0}}", published)
        lab.containers.podman("rmi", published)
        name = lab.name()
        assert ((await lab.make(name, SandboxRequest(image=image))).image_bytes or 0) > 3 * MEGABYTE
        assert image in await lab.backend.images()
        await lab.backend.remove(name)
        assert await lab.backend.remove_image(image)
        assert image not in await lab.backend.images()
        assert lab.prefix not in lab.containers.podman("images", "--all")

    lab.run(scenario)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{registry}/no/such:1", "image '.*/no/such:1' cannot be pulled: .*unknown"),
        ("Not_Allowed:1", "lowercase"),
        ("two words", "'two words' is no name of an image"),
        ("../containers/json", "'../containers/json' is no name of an image"),
        ("", "'' is no name of an image"),
    ],
)
def test_what_no_registry_will_ever_have_is_not_tried_again(lab: Lab, name: str, message: str) -> None:
    async def scenario() -> None:
        with pytest.raises(SandboxProblem, match=message) as problem:
            await lab.make(lab.name(), SandboxRequest(image=name.format(registry=lab.containers.registry)))
        assert problem.value.permanent

    lab.run(scenario)


def test_a_registry_that_cannot_be_reached_may_be_tried_again(lab: Lab) -> None:
    async def scenario() -> None:
        with pytest.raises(SandboxProblem, match="cannot be pulled") as problem:
            await lab.make(lab.name(), SandboxRequest(image="nobody.invalid/a/b:1"))
        assert not problem.value.permanent

    lab.run(scenario)


def test_an_image_whose_name_is_too_long_to_be_remembered_is_used_and_stays(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        image = lab.containers.publish(f"{lab.prefix}/{'long/' * 30}name:1")
        lab.images.append(image)
        assert await lab.make(lab.name(), SandboxRequest(image=image)) == Made(image_bytes=0)
        assert "is too long" in caplog.text
        assert await lab.backend.remove_image(image) and is_there(lab, image)

    lab.run(scenario)


def test_one_that_came_into_use_while_it_was_removed_stays_ours(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        image, name = lab.containers.publish(f"{lab.prefix}/raced:1"), lab.name()
        await lab.make(name, SandboxRequest(image=image))
        engine = Engine(lab.url)
        asked = engine.ask

        async def ask(question, *, again=False):  # type: ignore[no-untyped-def]
            answer = await asked(question, again=again)
            return [] if answer and isinstance(answer, list) and hasattr(answer[0], "exec") else answer  # before they were there

        monkeypatch.setattr(engine, "ask", ask)
        assert not await images.Images(engine).remove(image)
        await engine.close()
        assert is_there(lab, image) and image in await lab.backend.images()
        await lab.backend.remove(name)
        assert await lab.backend.remove_image(image)

    lab.run(scenario)
