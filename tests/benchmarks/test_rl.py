"""The benchmark of training steps, tiny: what is compared is really run. No times are looked at."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.rl import __main__ as command_line
from benchmarks.rl import paired


def test_the_two_ways_take_turns_and_what_ours_costs_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "BLOCKS", 3)
    cpu_s, order = 0.0, []

    async def way(name: str, cost_s: float) -> None:
        nonlocal cpu_s
        order.append(name)
        cpu_s += cost_s

    extra_ms, plain_ms = asyncio.run(
        paired.extra_cpu_ms(lambda number: way("plain", 0.001), lambda number: way("ours", 0.0012), lambda: cpu_s)
    )
    assert (round(extra_ms, 6), round(plain_ms, 6)) == (0.2, 1.0)
    assert order[:: paired.TURNS] == ["plain", "ours"] * 5


def test_a_framework_that_is_not_there_is_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_has_slime", lambda: False)
    assert command_line.main(["--only", "slime"]) == 0
    assert capsys.readouterr().err == f"skipped: {command_line.NO_SLIME}\n"


@pytest.mark.slow
def test_skyrls_client_is_measured_plain_and_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skyrl")
    from benchmarks.rl import skyrl

    monkeypatch.setattr(paired, "BLOCKS", 1)
    monkeypatch.setattr(paired, "TURNS", 2)
    monkeypatch.setattr(skyrl, "SYNCS", 1)
    assert set(skyrl.figures()) >= {"SkyRL: CPU of a turn beyond the plain client's", "SkyRL: weight sync held up, median"}


@pytest.mark.slow
def test_slimes_functions_are_measured_plain_and_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("slime.rollout", reason="slime is not importable: scripts/with-slime PATH runs this")
    from benchmarks.rl import slime

    monkeypatch.setattr(paired, "BLOCKS", 1)
    monkeypatch.setattr(paired, "TURNS", 2)
    monkeypatch.setattr(slime, "ABORTS", 1)
    monkeypatch.setattr(slime, "UPDATES", 1)
    assert set(slime.figures()) >= {"slime: CPU of a turn beyond slime's own", "slime: abort with 28 held programs, median"}
