"""Which processes the options of ``serve`` and ``scheduler`` ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from thunderagent.adapters.link.address import Address
from thunderagent.cli.layout import Layout, layout_of
from thunderagent.errors import ConfigError


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THUNDERAGENT_LINK_TOKEN", raising=False)


def test_without_options_there_is_one_process() -> None:
    assert layout_of(1, None, None, None) == Layout()
    assert Layout().alone
    assert not layout_of(2, None, None, None).alone


def test_a_link_between_machines_needs_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for where in ((1, "tcp:gpu1:8298", None), (1, None, "tcp:0.0.0.0:8298")):
        with pytest.raises(ConfigError, match="other machines reach it: set --link-token-file, or THUNDERAGENT_LINK_TOKEN"):
            layout_of(*where, None)
    assert layout_of(1, None, "tcp:127.0.0.1:8298", None).token == ""
    monkeypatch.setenv("THUNDERAGENT_LINK_TOKEN", "from-the-environment")
    assert layout_of(1, "tcp:gpu1:8298", None, None) == Layout(
        scheduler=Address(host="gpu1", port=8298), token="from-the-environment"
    )
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    file.chmod(0o600)
    assert layout_of(1, None, "tcp:gpu1:8298", file).token == "from-a-file"
    assert "from-a-file" not in repr(layout_of(1, None, "tcp:gpu1:8298", file))


def test_what_does_not_go_together_is_named(thunderagent: Command, tmp_path: Path) -> None:
    for options, wanted in (
        (["--gateways", 0], "--gateways=0: must be a whole number from 1 to 256"),
        (["--gateways", 2, "--scheduler", "unix:/x"], "--gateways=2: does not go with --scheduler"),
        (["--link-token-file", tmp_path], "goes with --scheduler"),
        (["--scheduler", "nowhere"], "--scheduler=nowhere: must be unix:/path or tcp:host:port"),
        (["--scheduler", "unix:/x", "--router", "tr"], "--router=tr: goes to the scheduler, not to a gateway of it"),
        (["--scheduler", "unix:/x", "--backends", "http://a:1"], "goes to the scheduler"),
        (["--scheduler", "unix:/x", "--tools", "docker"], "goes to the scheduler"),
    ):
        ran = thunderagent("serve", *options)
        assert (ran.status, wanted in ran.err) == (2, True), ran.err


def test_a_scheduler_has_the_options_of_serve_but_those_of_gateways(thunderagent: Command) -> None:
    ran = thunderagent("scheduler", "--backends", "http://a:1")
    assert (ran.status, "--listen" in ran.err) == (2, True)
    ran = thunderagent("scheduler", "--listen", "unix:/x", "--gateways", 2)
    assert (ran.status, "--gateways" in ran.err) == (2, True)
    ran = thunderagent("scheduler", "--listen", "tcp:gpu1:8298", "--backends", "http://a:1")
    assert "other machines reach it" in ran.err
