"""Engines that are gone, slow, somebody else, or back again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.tools.docker.lab import Lab
from thunderagent.adapters.tools.docker import DockerBackend, engine
from thunderagent.errors import ConfigError, SandboxGone, SandboxProblem


def told_by(backend: DockerBackend) -> SandboxProblem:
    async def scenario() -> SandboxProblem:
        with pytest.raises(SandboxProblem) as problem:
            await backend.found()
        await backend.close()
        return problem.value

    return asyncio.run(scenario())


@contextlib.asynccontextmanager
async def before(url: str, path: Path, cut: int = 0) -> AsyncIterator[str]:
    """A socket before the engine's, at which the first connections are cut."""
    left = cut

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        if left:
            left -= 1
            writer.close()
            return
        engine_reader, engine_writer = await asyncio.open_unix_connection(url.removeprefix("unix://"))
        await asyncio.gather(copy(reader, engine_writer), copy(engine_reader, writer))

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()


def test_an_engine_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/nobody.sock"
    problem = told_by(DockerBackend(url))
    assert str(problem) == (
        f"the container engine at {url} does not answer (is it running? DOCKER_HOST or tools.docker_url name another): "
        "No such file or directory"
    )
    assert not problem.permanent


@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_an_engine_on_a_port_where_nobody_listens_is_named(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
    assert f"the container engine at {url} does not answer" in str(told_by(DockerBackend(url)))


@pytest.mark.parametrize("url", ["localhost:2375", "/run/docker.sock", "ssh://host"])
def test_what_is_no_address_of_an_engine_is_refused_before_anything_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"tools\.docker_url.*must begin with one of unix://"):
        DockerBackend(url)
    monkeypatch.setenv("DOCKER_HOST", url)
    with pytest.raises(ConfigError, match=r"DOCKER_HOST.*must begin with one of unix://"):
        DockerBackend(None)


def test_a_server_that_is_no_engine_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n"
                + b'{"version": "0.9"} '
            )
            await writer.drain()

        async with await asyncio.start_unix_server(answer, tmp_path / "other.sock"):
            backend = DockerBackend(f"unix://{tmp_path}/other.sock")
            with pytest.raises(SandboxProblem, match=r"other\.sock is no container engine"):
                await backend.found()
            await backend.close()

    asyncio.run(scenario())


def test_without_an_address_it_is_docker_host_or_the_first_socket_that_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://there:2375")
    assert engine.Engine(None).url == "tcp://there:2375"
    assert engine.Engine("tcp://here:2375").url == "tcp://here:2375"
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(engine, "DOCKER_SOCKETS", ("/nowhere/docker.sock",))
    monkeypatch.setattr(engine, "PODMAN_SOCKETS", ("/nowhere/podman.sock", "$XDG_RUNTIME_DIR/podman.sock"))
    assert engine.Engine(None).url == "unix:///nowhere/docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "podman.sock"))
        assert engine.Engine(None).url == f"unix://{tmp_path}/podman.sock"


def test_one_that_does_not_answer_in_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ANSWER_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "slow.sock"))
        silent.listen()
        problem = told_by(DockerBackend(f"unix://{tmp_path}/slow.sock"))
    assert "does not answer" in str(problem) and str(problem).endswith("no answer within 0.05 s")


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_connections_that_are_cut_are_tried_again(lab: Lab, tmp_path: Path) -> None:
    async def scenario() -> None:
        name = await lab.made()
        async with before(lab.url, tmp_path / "cut.sock", cut=engine.TRIES - 1) as url:
            backend = DockerBackend(url)
            await backend.remove(name)
            await backend.close()
        assert name not in lab.containers.names()

    lab.run(scenario)


@pytest.mark.containers
@pytest.mark.xdist_group("containers")
def test_an_engine_that_dies_in_the_middle_is_told_and_used_again_when_it_is_back(lab: Lab, tmp_path: Path) -> None:
    with lab.containers.another_service(tmp_path) as service:
        lab.url = service.url

        async def scenario() -> None:
            name = await lab.made()
            command = asyncio.create_task(lab.sh(name, "touch /begun; sleep 900"))

            async def has_begun() -> bool:
                return (await lab.sh(name, "ls /begun")).exit_code == 0

            await lab.eventually(has_begun)
            service.kill()
            with pytest.raises(SandboxProblem, match=f"engine at {service.url} does not answer"):
                await command
            other = lab.name()
            for call in (lab.make(other), lab.backend.remove(name), lab.backend.attach(name), lab.backend.found()):
                with pytest.raises(SandboxProblem, match=f"engine at {service.url} does not answer"):
                    await call
            service.start()
            assert (await lab.sh(name, "echo back")).text == "back\n"
            await lab.make(other)
            assert {name, other} <= {one.sandbox_id for one in await lab.backend.found()}
            await lab.backend.remove(name)
            with pytest.raises(SandboxGone):
                await lab.sh(name, "echo back")

        lab.run(scenario)
