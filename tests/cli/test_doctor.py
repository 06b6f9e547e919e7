"""``thunderagent doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.engines.checkup.support import Canned, Recorded, embedded, served
from tests.adapters.engines.checkup.test_look import guarded, nobody
from tests.adapters.engines.checkup.test_trial import Chat
from tests.cli.support import Command
from thunderagent.adapters.engines.checkup.flags import FLAGS
from thunderagent.adapters.engines.checkup.wording import OPTIONAL, WHY
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.cli.diagnosis import TITLES

DOCS = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
USAGE = {"prompt_tokens": 262, "prompt_tokens_details": None}


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_an_engine_that_has_everything_is_ready_and_the_next_command_is_told(thunderagent: Command) -> None:
    with embedded() as url:
        ran = thunderagent("doctor", url)

    assert (ran.status, ran.err) == (0, "")
    assert lines_of(ran.out)[0] == f"{url}  the embedded, simulated engine  ready"
    assert lines_of(ran.out)[-1] == f"ready: thunderagent serve --backends {url}"


def test_what_is_blind_is_told_with_the_flags_to_restart_with(thunderagent: Command) -> None:
    bad = Chat(USAGE, USAGE)
    bad.prefix_caching = False
    with served(bad.app()) as url:
        ran = thunderagent("doctor", url)

    assert (ran.status, ran.err) == (1, "")
    assert f"{url}  vLLM 0.32.0  blind" in ran.out
    assert lines_of(ran.out)[-2:] == [
        f"blind: {url}: prefix caching, cached tokens",
        "  restart it with --enable-prompt-tokens-details, without --no-enable-prefix-caching",
    ]


def test_several_engines_come_in_their_order_and_are_served_together(thunderagent: Command) -> None:
    with embedded() as one, embedded() as other:
        ran = thunderagent("doctor", f"{other},{one}", "--no-request")

    assert [line.split()[0] for line in lines_of(ran.out) if line.startswith("http")] == [other, one]
    assert lines_of(ran.out)[-1] == f"ready: thunderagent serve --backends {other},{one}"


def test_one_that_is_blind_is_enough(thunderagent: Command) -> None:
    with embedded() as url:
        ran = thunderagent("doctor", url, nobody(), "--no-request")

    assert ran.status == 1
    assert "ready: " not in ran.out
    assert "nothing listens there (connection refused)" in ran.out


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int, thunderagent: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with served(Recorded.vllm(prefix_caching=False).app()) as url:
        ran = thunderagent("doctor", url, "--no-request")

    findings, _, _ = ran.out.partition("\n\n")
    assert max(map(len, lines_of(findings))) <= columns
    assert len(lines_of(findings)) > 20


def test_json_has_the_same_with_names_that_stay(thunderagent: Command) -> None:
    with served(Recorded.vllm(prefix_caching=False).app()) as url:
        ran = thunderagent("doctor", url, "--no-request", "--json")

    told: dict[str, Any] = json.loads(ran.out)
    assert ran.status == 1
    assert list(told) == ["ready", "command", "engines"]
    assert (told["ready"], told["command"]) == (False, None)
    [engine] = told["engines"]
    assert {name: engine[name] for name in engine if name != "findings"} == {
        "url": url,
        "kind": "vllm",
        "name": "vLLM 0.32.0",
        "ready": False,
        "asks_for_key": False,
        "restart": {"with": [], "without": ["--no-enable-prefix-caching"]},
    }
    assert [finding for finding in engine["findings"] if finding["check"] == "prefix_caching"] == [
        {
            "check": "prefix_caching",
            "verdict": "wrong",
            "needed": True,
            "seen": "it is off",
            "why": WHY["prefix_caching"],
            "fix": "start it without --no-enable-prefix-caching",
        }
    ]


def test_json_of_engines_that_are_ready_has_the_command(thunderagent: Command) -> None:
    with embedded() as url:
        told = json.loads(thunderagent("doctor", url, "--no-request", "--json").out)

    assert (told["ready"], told["command"]) == (True, f"thunderagent serve --backends {url}")


def test_a_key_from_a_file_or_a_variable_opens_the_engine(
    thunderagent: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("sesame\nanother\n")
    keys.chmod(0o600)
    monkeypatch.setenv("ENGINE_KEY", "sesame")
    with served(guarded("sesame")) as url:
        without = thunderagent("doctor", url, "--no-request")
        by_file = thunderagent("doctor", url, "--no-request", "--api-key-file", keys)
        by_variable = thunderagent("doctor", url, "--no-request", "--api-key-env", "ENGINE_KEY")

    assert (without.status, by_file.status, by_variable.status) == (1, 0, 0)
    assert "-> name its API key with --api-key-file or --api-key-env" in without.out
    assert "clients send the engines' API key; a gateway without keys of its own passes it on" in by_file.out
    assert "sesame" not in by_file.out + by_file.err


def test_whatever_an_engine_says_is_printed_as_it_is(thunderagent: Command) -> None:
    page = Canned("<html><title>[bold]Sale[/]</title></html>", content_type="text/html")
    with served(Recorded({"/v1/models": page}).app()) as url:
        ran = thunderagent("doctor", url)

    assert ran.status == 1
    assert "a web page ([bold]Sale[/]), no engine" in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["gpu1:8000"], "URL=gpu1:8000: must start with http:// or https://, such as http://gpu1:8000"),
        (
            ["http://gpu1:8000", "http://gpu1:8000/"],
            "URL=http://gpu1:8000/: the same engine is there as http://gpu1:8000 already",
        ),
        ([","], "URL=: name the engines, such as http://gpu1:8000"),
        ([], "Missing argument 'URL...'"),
        (["http://gpu1:8000", "--timeout", "soon"], "--timeout=soon: must be a duration"),
        (["http://gpu1:8000", "--timeout", "0"], "--timeout=0: must be longer than 0"),
        (["http://gpu1:8000", "--api-key-file", "/nowhere"], "--api-key-file=/nowhere: cannot be read"),
        (["http://gpu1:8000", "--api-key-env", "NO_SUCH_KEY"], "--api-key-env=NO_SUCH_KEY: there is no such variable"),
        (["http://gpu1:8000", "--api-key-env", "X", "--api-key-file", "y"], "--api-key-env=X: does not go with --api-key-file"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_exit_status_2(arguments: list[str], problem: str, thunderagent: Command) -> None:
    assert thunderagent("doctor", *arguments).problem.startswith(problem)


def test_it_needs_nothing_of_the_gateway_but_its_http_client() -> None:
    block = "; ".join(
        f"sys.modules[{name!r}] = None" for name in ("uvicorn", "starlette", "msgspec", "prometheus_client", "matplotlib")
    )
    command = f"import sys; {block}; sys.argv = ['x', 'doctor', 'gpu1']; from thunderagent.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=120, check=False)

    assert (ran.returncode, ran.stderr.split(":")[1].strip()) == (2, "URL=gpu1")


# The documentation


def test_the_docs_have_every_check() -> None:
    explained = DOCS.partition("## What is looked at")[2].partition("## Flags")[0]
    needed, _, optional = explained.partition("| optional |")

    assert re.findall(r"^\| `(\w+)` \|", needed, re.MULTILINE) == [check for check in WHY if check not in OPTIONAL]
    assert re.findall(r"^\| `(\w+)` \|", optional, re.MULTILINE) == [*OPTIONAL]


@pytest.mark.parametrize("kind", EngineKind)
def test_the_docs_have_every_flag(kind: EngineKind) -> None:
    for flag in FLAGS[kind].values():
        assert f"`{flag.text}`" in DOCS


def test_the_example_in_the_docs_is_what_is_printed(thunderagent: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with served(Chat(USAGE, USAGE).app()) as url:
        ran = thunderagent("doctor", url)

    steady = re.sub(r"within [\d.]+ (m?s)", r"within 3 \1", ran.out.replace(url, "http://gpu1:8000"))
    shown = DOCS.partition("$ thunderagent doctor http://gpu1:8000\n")[2].partition("```")[0]
    assert lines_of(shown) == lines_of(steady)


def test_titles_are_of_checks() -> None:
    assert set(TITLES) <= set(WHY)
