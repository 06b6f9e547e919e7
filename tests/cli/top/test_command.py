"""The command's ways to look once, its keys, and its users' mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.gateway.manage.support import WITH_KEYS, Gateway
from tests.cli.support import Command
from tests.cli.top.gateway import Served, free_port


def occupied() -> Gateway:
    gateway = Gateway(settings=WITH_KEYS)
    for number in range(5):
        gateway.arrive(f"train/{number}", 500 * (number + 1))
    return gateway


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a gateway that wants an admin key."""
    port = free_port()
    with Served(port, occupied):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THUNDERAGENT_ADMIN_KEY", "admin-key")
    monkeypatch.delenv("THUNDERAGENT_API_KEY", raising=False)


def test_once_is_plain_text_with_every_program(thunderagent: Command, url: str) -> None:
    ran = thunderagent("top", url, "--once")
    assert (ran.status, ran.err) == (0, "")
    assert "5 programs   5 running turns   0 waiting" in ran.out
    assert all(f"train/{number} " in ran.out for number in range(5))
    assert "\x1b" not in ran.out
    assert not any(line.endswith(" ") for line in ran.out.splitlines())


def test_once_takes_order_and_number_of_programs(thunderagent: Command, url: str) -> None:
    out = thunderagent("top", url, "--once", "--sort", "tokens", "-n", 2).out
    assert "PROGRAM (2 of 5)" in out
    assert out.index("train/4") < out.index("train/3")
    assert "train/2" not in out


def test_json_is_the_snapshot(thunderagent: Command, url: str) -> None:
    ran = thunderagent("top", url, "--json")
    assert ran.status == 0
    assert set(json.loads(ran.out)) == {"at", "mode", "version", "draining", "totals", "engines", "programs", "programs_total"}


def test_keys_come_from_a_file_a_variable_or_the_usual_variables(
    thunderagent: Command, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys"
    file.write_text("admin-key\n")
    file.chmod(0o600)
    monkeypatch.delenv("THUNDERAGENT_ADMIN_KEY")
    assert "this needs an admin key" in thunderagent("top", url, "--once").problem
    assert thunderagent("top", url, "--once", "--api-key-file", file).status == 0
    monkeypatch.setenv("MINE", "admin-key")
    assert thunderagent("top", url, "--once", "--api-key-env", "MINE").status == 0
    assert "does not go with" in thunderagent("top", url, "--once", "--api-key-env", "MINE", "--api-key-file", file).problem
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "admin-key")
    assert thunderagent("top", url, "--once").status == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--sort", "beauty"], "--sort=beauty: must be one of state, waited, tokens, steps, id"),
        (["--programs", "2001"], "--programs=2001: must be from 0 to 2,000"),
        (["--interval", "1h"], "--interval=1h: must be from 0.1 to 60 seconds"),
        (["--interval", "soon"], "--interval=soon: must be a duration"),
        (["gopher://a"], "URL=gopher://a"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(thunderagent: Command, options: list[str], told: str) -> None:
    assert told in thunderagent("top", *options).problem


def test_no_gateway_is_one_line(thunderagent: Command) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for option in ("--once", "--json"):
        assert f"{url}: nothing answers there" in thunderagent("top", url, option).problem


def test_into_a_pipe_it_writes_block_after_block_until_nobody_reads(url: str) -> None:
    command = [sys.executable, "-m", "thunderagent", "top", url, "--interval", "100ms"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as watching:
        assert watching.stdout is not None and watching.stderr is not None
        blocks = 0
        for line in watching.stdout:
            blocks += line.startswith("thunderagent top")
            if blocks == 3:
                break
        watching.stdout.close()
        assert watching.wait(30) == 0
        assert watching.stderr.read() == ""
