"""Facts and what they mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thunderagent.adapters.engines.checkup.checks import CHECKS, judged
from thunderagent.adapters.engines.checkup.facts import Facts, Model, Setup, Trial, Usage
from thunderagent.adapters.engines.checkup.finding import Finding, Verdict
from thunderagent.adapters.engines.checkup.flags import FLAGS
from thunderagent.adapters.engines.checkup.wording import OPTIONAL, WHY
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading

RANK = Rank(0, 8_192, running=0, waiting=0)
SETUP = Setup(
    version="0.32.0",
    metrics=True,
    prefix_caching=True,
    block_tokens=32,
    cache_report=True,
    kv_events=True,
    development=True,
)
TOLD = Usage(262, 256)
TRIAL = Trial(took_s=0.1, first=Usage(262, 0), again=TOLD, streamed=TOLD, aborted=True)
GOOD = Facts(
    "http://gpu1:8000",
    answered_s=0.003,
    kind=EngineKind.VLLM,
    models=(Model("tiny", 4_096),),
    reading=Reading(EngineKind.VLLM, (replace(RANK, host_tokens=8_192),), priority=PriorityOrder.LOWER_FIRST),
    setup=SETUP,
    trial=TRIAL,
)


def found(check: str, facts: Facts) -> Finding:
    [finding] = [finding for finding in judged(facts).findings if finding.check == check]
    return finding


def with_ranks(*ranks: Rank, routes_ranks: bool = True) -> Facts:
    return replace(GOOD, reading=Reading(EngineKind.VLLM, ranks, routes_ranks=routes_ranks))


def with_again(cached: int | None, prompt: int = 262) -> Facts:
    return replace(GOOD, trial=replace(TRIAL, again=Usage(prompt, cached)))


def test_where_all_is_there_all_is_ok() -> None:
    checkup = judged(GOOD)

    assert checkup.ready
    assert {finding.verdict for finding in checkup.findings} == {Verdict.OK}
    assert all(finding.fix is None and finding.flag is None for finding in checkup.findings)


def test_every_check_says_in_one_sentence_why_it_matters() -> None:
    assert len(judged(GOOD).findings) == len(CHECKS) + 2
    assert all(why.endswith(".") and why.count(". ") == 0 for why in WHY.values())


def test_flags_belong_to_checks() -> None:
    for flags in FLAGS.values():
        assert set(flags) <= set(WHY)


def test_what_is_optional_blinds_nobody() -> None:
    nothing = replace(GOOD, setup=replace(SETUP, kv_events=False, development=False), reading=Reading(EngineKind.VLLM, (RANK,)))
    checkup = judged(nothing)

    missing = [finding.check for finding in checkup.findings if finding.verdict is Verdict.MISSING]
    assert missing == ["priority", "kv_events", "development", "host_tier"]
    assert set(missing) < set(OPTIONAL)
    assert all(finding.fix for finding in checkup.findings if finding.check in missing)
    assert checkup.ready


@pytest.mark.parametrize(
    ("ranks", "seen"),
    [
        ([RANK, Rank(1, 8_192)], "16,384 tokens (2 ranks of 8,192)"),
        ([RANK, Rank(1, 4_096)], "12,288 tokens (ranks of 8,192, 4,096)"),
        ([RANK], "8,192 tokens (256 blocks of 32)"),
        ([Rank(0, 8_190)], "8,190 tokens"),
    ],
    ids=["equal ranks", "other ranks", "blocks", "no whole blocks"],
)
def test_capacity_is_told_by_rank_and_block(ranks: list[Rank], seen: str) -> None:
    assert found("kv_capacity", with_ranks(*ranks)).seen == seen


def test_one_rank_that_does_not_tell_its_capacity_is_enough_to_be_blind() -> None:
    problem = "/metrics tells no KV capacity"
    facts = replace(GOOD, reading=Reading(EngineKind.VLLM, (RANK, Rank(1, None)), problems=(problem,)))

    assert found("kv_capacity", facts).verdict is Verdict.MISSING
    assert found("kv_capacity", facts).seen == problem
    assert found("kv_capacity", facts).fix == "mend its metrics, or tell the gateway --capacity-tokens"


def test_load_that_is_not_told_is_missing() -> None:
    assert found("metrics", with_ranks(Rank(0, 8_192))).seen == "they do not tell how many requests run"


def test_ranks_that_requests_cannot_name_are_wrong() -> None:
    facts = with_ranks(RANK, replace(RANK, index=1), routes_ranks=False)

    assert [finding.check for finding in judged(facts).blind] == ["ranks"]
    assert found("ranks", facts).seen == "2, and requests cannot name theirs"


@pytest.mark.parametrize(
    ("facts", "verdict", "seen"),
    [
        (with_again(256), Verdict.OK, "256 of 262 when a prompt came again"),
        (with_again(None), Verdict.MISSING, "usage does not tell them"),
        (with_again(0), Verdict.WRONG, "0 of 262 though the prompt had just been there"),
        (
            with_again(0, prompt=40),
            Verdict.UNKNOWN,
            "0 of 40 though the prompt had just been there; it was shorter than two blocks",
        ),
        (replace(with_again(0), setup=replace(SETUP, prefix_caching=False)), Verdict.OK, "0 of 262 when a prompt came again"),
        (
            replace(with_again(0), reading=Reading(EngineKind.VLLM, (RANK, replace(RANK, index=1)))),
            Verdict.UNKNOWN,
            "0 of 262 though the prompt had just been there; it may have gone to another rank",
        ),
        (replace(GOOD, trial=None), Verdict.OK, "it says that usage has them"),
        (replace(GOOD, trial=None, setup=Setup()), Verdict.UNKNOWN, "no request was sent"),
        (replace(GOOD, trial=Trial(problem="x"), setup=Setup()), Verdict.UNKNOWN, "the request failed"),
    ],
    ids=["found", "not told", "not found", "too short", "prefix caching is off", "ranks", "said", "not tried", "failed"],
)
def test_cached_tokens(facts: Facts, verdict: Verdict, seen: str) -> None:
    finding = found("cached_tokens", facts)

    assert (finding.verdict, finding.seen) == (verdict, seen)


def test_a_prompt_that_is_found_again_proves_prefix_caching() -> None:
    silent = replace(GOOD, setup=Setup())

    assert found("prefix_caching", silent).verdict is Verdict.OK
    assert found("prefix_caching", replace(silent, trial=None)).verdict is Verdict.UNKNOWN


def test_contexts_longer_than_the_kv_cache_are_named_and_blind_nobody() -> None:
    facts = replace(GOOD, models=(Model("tiny", 32_768),))

    assert found("context_length", facts).seen == "up to 32,768 tokens, more than the KV cache of 8,192"
    assert found("context_length", facts).fix == "start it with --max-model-len TOKENS"
    assert judged(facts).ready
    assert found("context_length", replace(GOOD, models=(Model("tiny", None),))).verdict is Verdict.UNKNOWN


def test_an_engine_that_serves_no_model_is_blind() -> None:
    assert found("models", replace(GOOD, models=())).seen == "it serves none"
    assert not judged(replace(GOOD, models=(), trial=None)).ready


def test_a_failed_stream_is_no_verdict_on_its_usage() -> None:
    facts = replace(GOOD, trial=replace(TRIAL, streamed=None, stream_problem="breaks off", aborted=None, abort_unknown="why"))

    assert found("stream_usage", facts).seen == "breaks off"
    assert (found("abort", facts).verdict, found("abort", facts).seen) == (Verdict.UNKNOWN, "why")


def test_nobody_is_told_to_give_the_embedded_engine_flags_of_vllm() -> None:
    facts = replace(GOOD, models=(Model("simulated", 4_096, "thunderagent"),), setup=Setup())

    assert judged(facts).name == "the embedded, simulated engine"
    assert not [finding for finding in judged(facts).findings if finding.flag is not None]
