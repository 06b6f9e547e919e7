"""``thunderagent serve --tools docker`` as a user starts it, on a real container engine."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.adapters.gateway.clients.running import MODEL, Running, embedded_engine, gateway_before, until
from tests.containers import Containers
from thunderagent.client import SyncProgram
from thunderagent.errors import SandboxGone, SandboxRefused

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]
SAID = [{"role": "user", "content": "hello"}]


def of(program_id: str) -> str:
    """A filter: the engine may have containers of other tests."""
    return f"label=thunderagent.program={program_id}"


@pytest.fixture
def gateway(containers: Containers) -> Iterator[Running]:
    options = ("--tools", "docker", "--tools-url", containers.url, "--tools-image", containers.image, "--tools-max-sandboxes", 8)
    with embedded_engine() as engine, gateway_before(engine, options=options) as running:
        yield running


@pytest.fixture
def foreign(containers: Containers) -> Iterator[tuple[str, str]]:
    """Ids of two containers that somebody else has started."""
    run = ("run", "--detach", "--network", "none", containers.image, "sleep", "1000")
    ids = containers.podman(*run), containers.podman(*run)
    yield ids
    containers.podman("rm", "--force", "--ignore", "--time", "0", *ids)


def test_an_agent_finds_its_sandbox_ready_after_its_first_turn(gateway: Running, containers: Containers) -> None:
    client = openai.OpenAI(base_url=gateway.v1, api_key="none")
    with SyncProgram("agent/1", gateway.v1) as program:
        client.chat.completions.create(model=MODEL, messages=SAID, extra_body=program.extra_body)  # type: ignore[arg-type]
        (prepared,) = program.sandboxes()
        with program.sandbox() as sandbox:
            assert sandbox.id == prepared.id
            assert sandbox.execute("echo $((6 * 7)); exit 3").exit_code == 3
            assert containers.names(of("agent/1")) == {sandbox.id}
            assert [view["id"] for view in gateway.programs["agent/1"]["tools"]] == [sandbox.id]
        with pytest.raises(SandboxRefused, match="no-such-image"):
            program.acquire(image="localhost/no-such-image:1")
    until(lambda: not containers.names(of("agent/1")))
    client.close()


def test_containers_of_others_are_attached_by_their_ids_alone(
    gateway: Running, containers: Containers, foreign: tuple[str, str]
) -> None:
    mine, theirs = foreign
    client = openai.OpenAI(base_url=gateway.v1, api_key="none", max_retries=0)

    def turn(program_id: str, *docker_ids: str) -> None:
        more = {"program_id": program_id, "docker_ids": list(docker_ids)}
        client.chat.completions.create(model=MODEL, messages=SAID, extra_body=more)  # type: ignore[arg-type]

    with SyncProgram("agent/2", gateway.url) as program:
        turn("agent/2", mine)
        with pytest.raises(openai.BadRequestError, match="nowhere"):
            turn("agent/3", "nowhere")
        with pytest.raises(openai.BadRequestError, match=mine):
            turn("agent/3", mine)
        with pytest.raises(SandboxGone):
            program.attach("nowhere")
        assert program.attach(mine).execute("echo here").text == "here\n"
        assert {mine, theirs} <= containers.ids()
    until(lambda: mine not in containers.ids())
    assert theirs in containers.ids()
    client.close()


def test_nothing_is_left_when_the_gateway_ends(containers: Containers) -> None:
    options = ("--tools", "docker", "--tools-url", containers.url)
    with embedded_engine() as engine, gateway_before(engine, options=options) as running:
        program = SyncProgram("agent/4", running.url)
        program.acquire(image=containers.image)
        assert len(containers.names(of("agent/4"))) == 1
    assert not containers.names(of("agent/4"))
