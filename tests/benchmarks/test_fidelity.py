"""The comparison with real engines, without any: traces, what counts as a disagreement, recordings, missing environments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fidelity import __main__ as benchmark
from benchmarks.fidelity import mocker, ours, vllm
from benchmarks.fidelity.cases import Case, Recording, cases
from benchmarks.fidelity.outcome import Outcome, differences
from benchmarks.fidelity.trace import Trace, Turn, agents, burst, repeated, sequential

SPEC = vllm.spec()


def outcome(cached: tuple[int, ...], preemptions: int = 0, output_tokens: int = 100) -> Outcome:
    return Outcome((320,) * len(cached), cached, preemptions, wall_s=1.0, output_tokens=output_tokens)


@pytest.mark.parametrize("make", [lambda seed: sequential(seed, 30), lambda seed: burst(seed, 9), lambda seed: agents(seed, 3)])
def test_the_same_seed_gives_the_same_trace_and_another_one_another(make: Callable[[int], Trace]) -> None:
    assert make(1) == make(1)
    assert list(make(1).prompts()) == list(make(1).prompts())
    assert make(1) != make(2)


def test_a_trace_is_the_same_after_a_file() -> None:
    for case in cases():
        assert Trace.from_json(case.trace.as_json()) == case.trace


def test_a_prompt_is_all_that_its_session_was_given_and_answered() -> None:
    first, second = Trace(10, (Turn(0, 1, 20, 5), Turn(0, 2, 30, 5))).prompts()

    assert (len(first.tokens), len(second.tokens)) == (10 + 20, 10 + 20 + 5 + 30)
    assert second.tokens[:35] == (*first.tokens, *first.output)
    assert len(set(first.output)) == 1, "engines are told the one token to say"


def test_answers_can_be_left_out_of_later_prompts() -> None:
    first, second = Trace(10, (Turn(0, 1, 20, 5), Turn(0, 2, 30, 5)), answers_stay=False).prompts()

    assert second.tokens[:30] == first.tokens
    assert len(second.tokens) == 60


def test_sessions_share_the_start_and_nothing_else() -> None:
    mine, others, anew = Trace(64, (Turn(0, 1, 64, 1), Turn(1, 2, 64, 1), Turn(0, 3, 64, 1, begins=True))).prompts()

    assert mine.tokens[:64] == others.tokens[:64] == anew.tokens[:64]
    assert mine.tokens[64:] != others.tokens[64:]
    assert len(anew.tokens) == 128


def test_every_request_fits_the_engine() -> None:
    for case in cases():
        assert max(len(prompt.tokens) + len(prompt.output) for prompt in case.trace.prompts()) <= 4_096


def test_a_prompt_that_comes_twice_is_found_up_to_the_block_of_its_last_token() -> None:
    served = ours.one_by_one(SPEC, repeated(1))

    again = [*zip(served.prompt_tokens, served.cached_tokens, strict=True)][1::2]
    assert again == [(tokens, (tokens - 1) // 32 * 32) for tokens, _ in again]


def test_agents_side_by_side_take_their_turns_in_order_and_think_between_them() -> None:
    trace = Trace(0, (Turn(0, 1, 64, 2, think_s=100.0), Turn(0, 2, 64, 2)))
    served = ours.side_by_side(SPEC, trace, overhead_s=10.0)

    assert served.prompt_tokens == (64, 64 + 2 + 64)
    assert served.cached_tokens == (0, 64)
    assert 110 < served.wall_s < 111
    assert served.output_tokens == 4


def test_an_engine_agrees_with_itself() -> None:
    figures = benchmark.exact_figures("itself", outcome((32, 64), 3), outcome((32, 64), 3), 32)

    assert all(figure.met for figure in figures.values())


def test_one_block_more_or_less_is_still_agreement() -> None:
    figures = benchmark.exact_figures("x", outcome((32, 64)), outcome((64, 32)), 32)

    assert differences(outcome((32, 64)), outcome((64, 32))) == [32, -32]
    assert all(figure.met for figure in figures.values())
    assert figures["x: requests with any difference"].value == 2


def test_two_blocks_in_one_request_are_a_disagreement() -> None:
    figures = benchmark.exact_figures("x", outcome((0, 64, 0)), outcome((0, 0, 0)), 32)

    assert [name for name, figure in figures.items() if not figure.met] == ["x: cached tokens, largest difference"]


def test_one_preemption_more_is_a_disagreement() -> None:
    figures = benchmark.exact_figures("x", outcome((0,), preemptions=8), outcome((0,), preemptions=9), 32)

    assert [name for name, figure in figures.items() if not figure.met] == ["x: preemptions, difference"]


def test_hit_ratios_may_differ_by_five_points() -> None:
    near = benchmark.hit_ratio_figures("x", outcome((32,)), outcome((45,)))
    far = benchmark.hit_ratio_figures("x", outcome((32,)), outcome((96,)))

    assert near["x: hit ratio, difference"].met
    assert not far["x: hit ratio, difference"].met


def test_throughput_may_differ_by_a_tenth() -> None:
    near = benchmark.throughput_figures("x", outcome((0,)), outcome((0,), output_tokens=91))
    far = benchmark.throughput_figures("x", outcome((0,)), outcome((0,), output_tokens=111))

    assert near["x: throughput, difference"].met
    assert not far["x: throughput, difference"].met


def test_outcomes_of_different_requests_are_not_compared() -> None:
    with pytest.raises(ValueError, match="served different requests"):
        differences(outcome((0,)), outcome((0, 0)))


def test_a_recording_is_the_same_after_a_file(tmp_path: Path) -> None:
    case = Case("a burst", True, burst(1, 3))
    recorded = replace(case.on_the_model(SPEC), wall_s=0.0, output_tokens=0)
    recording = Recording("vllm 1.2.3", "scripts/real-vllm serve", {"policy": "fcfs"}, SPEC, ((case, recorded),))
    recording.write(tmp_path / "new" / "recording.json")

    assert Recording.read(tmp_path / "new" / "recording.json") == recording


def test_the_mocker_gets_equal_numbers_for_equal_prefixes_only() -> None:
    trace = Trace(64, (Turn(0, 1, 40, 7, think_s=0.5), Turn(0, 2, 32, 8), Turn(1, 3, 40, 9)), answers_stay=False)
    first, second, other = mocker.rows(trace, 32)

    assert (first["input_length"], first["output_length"], first["timestamp"]) == (104, 7, 0.0)
    assert second["delay"] == 500.0
    assert second["hash_ids"][:3] == first["hash_ids"][:3]
    assert other["hash_ids"][:2] == first["hash_ids"][:2]
    assert not set(other["hash_ids"][2:]) & {*first["hash_ids"], *second["hash_ids"]}


def test_the_mocker_gets_no_trace_whose_answers_it_would_have_to_say() -> None:
    with pytest.raises(ValueError, match="tokens of its own"):
        mocker.rows(agents(1, 2), 32)


def test_the_mockers_report_is_read_session_by_session_with_the_first_admission() -> None:
    def request(session: str, turn: int, *reused: int) -> dict[str, object]:
        admissions = [{"reused_input_tokens": tokens} for tokens in reused]
        lengths = {"input_length": 320, "output_length": 5, "readmission_count": len(reused) - 1}
        return {"session_id": session, "turn_index": turn, "admission_history": admissions, **lengths}

    requests = [request("10", 0, 1), request("2", 1, 2, 9, 9), request("2", 0, 3)]
    read = mocker.outcome({"per_request": requests, "summary": {"duration_ms": 3000.0}})

    assert read == Outcome((320,) * 3, (3, 2, 1), preemptions=2, wall_s=3.0, output_tokens=15)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scripts of a fresh clone, on a machine where no environment has been set up."""
    shutil.copytree(vllm.ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("THUNDERAGENT_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setattr(vllm, "ROOT", tmp_path)
    monkeypatch.setattr(mocker, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("engine", ["vllm", "mocker"])
def test_without_its_environment_an_engine_says_how_to_make_it(engine: str, checkout: Path) -> None:
    with pytest.raises(SystemExit, match=f"run scripts/real-{engine} setup first"):
        benchmark.main(["--engine", engine])


@pytest.mark.parametrize("script", ["real-vllm", "real-sglang", "real-mocker"])
def test_the_scripts_explain_themselves(script: str) -> None:
    ended = subprocess.run([vllm.ROOT / "scripts" / script, "--help"], capture_output=True, text=True, check=True)

    assert f"scripts/{script} setup" in ended.stdout
