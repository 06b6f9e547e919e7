"""Mistakes on the examples' command lines are one line, and nothing has been started then."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("httpx")

from examples import __main__ as every
from examples.common import Parser, end_with, parser, served
from examples.replay_your_trace import __main__ as replaying


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of a command line, whose status is 2."""

    def example() -> bool:
        options = parser("it", "does", agents=3, tools=True).parse_args(arguments)
        with served(options, answers="no.such:thing"):
            raise AssertionError("it began")

    with pytest.raises(SystemExit) as ended:
        end_with(example)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_wrong_address_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--backends", "gpu1:8000").startswith("error: --backends=gpu1:8000: must start with http://")
    assert refused(capsys, "--gateway", "http://h/x").startswith("error: --gateway=http://h/x: must end after the port")


def test_a_gateway_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--gateway", "http://127.0.0.1:9")
    assert said.startswith("error: --model")
    assert "http://127.0.0.1:9 does not tell its models" in said


def test_there_is_either_a_gateway_or_engines(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--gateway", "http://a:1", "--backends", "http://b:1")
    assert said == "error: argument --backends: not allowed with argument --gateway\n"


def test_a_gateway_that_runs_already_records_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--gateway", "http://a:1", "--profile-dir", "runs")
    assert said.startswith("error: --profile-dir=runs: is for the gateway that runs already")


def test_there_is_an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--agents", "0") == "error: argument --agents: 0 must be a whole number, at least 1\n"


def test_a_trace_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["replay_your_trace", "nowhere.jsonl"])
    with pytest.raises(SystemExit) as ended:
        replaying.main()
    assert (ended.value.code, capsys.readouterr().err) == (2, "error: trace nowhere.jsonl is no file\n")


def test_every_example_has_a_folder_with_a_readme() -> None:
    folders = {readme.parent.name for readme in Path(every.__file__).parent.glob("*/README.md")}
    assert folders <= set(every.EXAMPLES)
    assert {name for name, command in every.EXAMPLES.items() if not command.needs} <= folders


def test_an_example_that_fails_is_told_and_the_others_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(every, "OUTPUTS", tmp_path)
    good, bad, elsewhere = every.Command("this"), every.Command("no_such_module"), every.Command("x", needs="no_such", how="it")
    monkeypatch.setattr(every, "EXAMPLES", {"bad": bad, "elsewhere": elsewhere, "good": good})
    monkeypatch.setattr("sys.argv", ["examples"])
    with pytest.raises(SystemExit) as ended:
        every.main()
    first, second, third, last = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    assert first.startswith(f"bad: FAILED (status 1), see {tmp_path / 'bad.log'}")
    assert "No module named no_such_module" in (tmp_path / "bad.log").read_text()
    assert second == "elsewhere: skipped, needs it"
    assert third.startswith("good: ok, ")
    assert last.endswith("; failed: bad")


def test_an_unknown_example_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["examples", "openai"])
    with pytest.raises(SystemExit) as ended:
        every.main()
    assert ended.value.code == 2
    assert "there is no example openai; there are openai_client, anthropic_client" in capsys.readouterr().err


def test_parsers_say_mistakes_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Parser().parse_args(["--what"])
    assert capsys.readouterr().err == "error: unrecognized arguments: --what\n"
