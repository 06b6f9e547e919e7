"""``thunderagent serve --tools ...``: what its options make of the settings of sandboxes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.cli.support import Command, Ran
from tests.stand_ins import Serving
from thunderagent.tools_config import ToolsConfig


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Serving:
    stand_in = Serving()
    monkeypatch.setitem(sys.modules, "thunderagent.serving", SimpleNamespace(serve=stand_in.serve))  # type: ignore[arg-type]
    return stand_in


@pytest.fixture
def serve(thunderagent: Command, gateway: Serving) -> Callable[..., Ran]:
    """``thunderagent serve`` in front of one engine, with more options."""
    return lambda *options: thunderagent("serve", "--backends", "http://gpu1:8000", *options)


def test_without_the_option_there_are_no_sandboxes(serve: Callable[..., Ran], gateway: Serving) -> None:
    assert serve().status == 0
    assert serve("--tools", "none").status == 0
    assert gateway.tools == [None, None]


def test_a_backend_alone_has_the_defaults(serve: Callable[..., Ran], gateway: Serving) -> None:
    serve("--tools", "docker")
    serve("--tools", "bubblewrap", "--tools-folder", "/data/sandboxes")
    serve("--tools", "bubblewrap", "--tools-images", "/data/images")
    serve("--tools", "my.backends:modal")
    assert gateway.tools == [
        ToolsConfig(backend="docker"),
        ToolsConfig(backend="bubblewrap", folder="/data/sandboxes", images=""),
        ToolsConfig(backend="bubblewrap", images="/data/images"),
        ToolsConfig(backend="callable", factory="my.backends:modal"),
    ]


def test_every_option_sets_what_it_says(serve: Callable[..., Ran], gateway: Serving) -> None:
    sizes = ("--tools-max-disk", "40GiB", "--tools-max-memory", "8GB", "--tools-max-sandboxes", 64, "--tools-preparing", 4)
    made = ("--tools-image", "python:3.12", "--tools-setup", "pip install pytest", "--tools-url", "http://host:2375")
    ran = serve("--tools", "docker", *sizes, *made, "--tools-idle-ttl", "5m", "--tools-ports", "20000-20099")
    assert ran.status == 0, ran
    assert gateway.tools == [
        ToolsConfig(
            backend="docker",
            docker_url="http://host:2375",
            image="python:3.12",
            setup="pip install pytest",
            max_sandboxes=64,
            max_memory_bytes=8_000_000_000,
            max_disk_bytes=40 << 30,
            max_preparing=4,
            idle_ttl_s=300.0,
            ports="20000-20099",
        )
    ]
    serve("--tools", "docker", "--tools-idle-ttl", "none")
    assert gateway.tools[-1] == ToolsConfig(backend="docker", idle_ttl_s=None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--tools", "podman"),
            "--tools=podman: must be none, docker, bubblewrap, or module:name of what makes your own backend",
        ),
        (("--tools", "callable"), "--tools=callable: must be none, docker, bubblewrap, or module:name"),
        (("--tools-image", "x"), "--tools-image=x: goes with --tools docker or bubblewrap, not with --tools none"),
        (
            ("--tools", "docker", "--tools-folder", "/x"),
            "--tools-folder=/x: goes with --tools bubblewrap, not with --tools docker",
        ),
        (("--tools", "bubblewrap", "--tools-url", "x"), "--tools-url=x: goes with --tools docker, not with --tools bubblewrap"),
        (("--tools", "docker", "--tools-max-disk", "much"), "--tools-max-disk=much: must be a size"),
        (("--tools", "docker", "--tools-max-disk", "0"), "--tools-max-disk=0: must be"),
        (("--tools", "docker", "--tools-max-sandboxes", "0"), "--tools-max-sandboxes=0: must be"),
        (("--tools", "docker", "--tools-preparing", "0"), "--tools-preparing=0: must be"),
        (("--tools", "docker", "--tools-idle-ttl", "soon"), "--tools-idle-ttl=soon: must be a duration"),
        (("--tools", "docker", "--tools-idle-ttl", "0"), "--tools-idle-ttl=0.0: must be"),
        (("--tools", "docker", "--tools-ports", "9-2"), "--tools-ports=9-2: must be a range of ports"),
    ],
)
def test_a_mistake_names_the_option_and_what_is_allowed(
    serve: Callable[..., Ran], gateway: Serving, options: tuple[str, ...], problem: str
) -> None:
    assert serve(*options).problem.startswith(problem)
    assert gateway.tools == []


def test_who_opens_the_gateway_to_others_is_told_that_commands_can_be_run(serve: Callable[..., Ran], gateway: Serving) -> None:
    assert "run commands in sandboxes" in serve("--tools", "docker", "--host", "0.0.0.0").err
    assert "run commands" not in serve("--host", "0.0.0.0").err


def test_the_help_has_a_panel_of_its_own(thunderagent: Command) -> None:
    told = thunderagent("serve", "--help").out
    assert "Sandboxes" in told
    assert "--tools-max-disk" in told
