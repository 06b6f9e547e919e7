"""Counts are taken as told, and what cannot be is not known."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Asked
from thunderagent.core import Usage


def test_every_vocabulary_is_understood() -> None:
    assert counts.openai({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}) == Usage(
        9, 2, 8
    )
    assert counts.responses({"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 8}}) == Usage(
        9, 2, 8
    )
    assert counts.sglang({"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 8}) == Usage(9, 2, 8)


def test_the_prompt_of_anthropic_is_what_was_read_and_written_of_the_cache_and_the_rest() -> None:
    told = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7, "output_tokens": 2}
    assert counts.anthropic(told) == Usage(110, 2, 100)
    assert counts.anthropic({"input_tokens": 110, "output_tokens": 2, "cache_read_input_tokens": None}) == Usage(110, 2)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"cached_tokens": -1}, {"cached_tokens": 1e300}, [], "x"])
def test_hits_that_are_not_told_are_not_known(details: Any) -> None:
    assert counts.openai({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": details}) == Usage(9, 2, None)


@pytest.mark.parametrize("wrong", [None, -1, float("nan"), float("inf"), 3.5, True, "7", [], 1 << 31, 10**30])
def test_a_count_that_cannot_be_makes_the_usage_unknown(wrong: Any) -> None:
    assert counts.openai({"prompt_tokens": wrong, "completion_tokens": 2}) is None
    assert counts.openai({"prompt_tokens": 9, "completion_tokens": wrong}) is None
    assert counts.sglang({"prompt_tokens": wrong, "completion_tokens": 2}) is None
    assert counts.anthropic({"input_tokens": wrong, "output_tokens": 2}) is None
    assert counts.responses({"input_tokens": 9, "output_tokens": wrong}) is None


@pytest.mark.parametrize("told", [None, [], "usage", 7, {}])
def test_what_is_no_usage_is_none(told: Any) -> None:
    for read in (counts.openai, counts.responses, counts.anthropic, counts.sglang):
        assert read(told) is None


def test_a_batch_counts_as_its_mean_context() -> None:
    batch = Asked(b"", prompts=4, answers=2)
    assert counts.of_one_context(Usage(400, 80, 40), batch) == Usage(100, 10, 10)
    assert counts.of_one_context(Usage(400, 80), batch) == Usage(100, 10)
    assert counts.of_one_context(Usage(400, 80, 40), Asked(b"")) == Usage(400, 80, 40)
    assert counts.of_one_context(Usage(400, 80, 40), None) == Usage(400, 80, 40)
    assert counts.of_one_context(None, batch) is None
