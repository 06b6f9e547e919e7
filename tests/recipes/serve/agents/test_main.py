"""``python -m recipes.serve.agents`` as a user starts it."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("openai")

from recipes.serve.agents.__main__ import main


def run(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["agents", *arguments])
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--agents", "0"], "argument --agents: 0 must be a whole number, at least 1"),
        (["--turns", "many"], "argument --turns: many must be a whole number, at least 1"),
        (["--think", "-1"], "argument --think: -1 must be a number of seconds, at least 0"),
        (["--think", "nan"], "argument --think: nan must be a number of seconds, at least 0"),
        (["--answer", "0"], "argument --answer: 0 must be a whole number, at least 1"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--speed", "2"], "unrecognized arguments: --speed 2"),
        (["--url", "http://127.0.0.1:9/v1/"], "--url=http://127.0.0.1:9: nothing answers there: "),
        (["--url", "http://127.0.0.1:9", "--model", "m"], "--url=http://127.0.0.1:9: nothing answers there: "),
        (["--embedded", "--url", "http://h:9"], "--embedded=http://h:9: brings its own engine and gateway; leave out --url"),
        (["--url", "127.0.0.1:9"], "--url=127.0.0.1:9: must start with http:// or https://"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_exit_status_2(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"error: {problem}")
    assert (told.err.count("\n"), told.out) == (1, "")


def test_help_tells_what_there_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run("--help") == 0
    assert "may be given several times, to compare" in capsys.readouterr().out


def test_without_openai_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert run() == 2
    assert capsys.readouterr().err == "error: openai, rich not installed: run scripts/setup, or pip install openai rich\n"
