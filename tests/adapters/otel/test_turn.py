"""A turn's profile becomes attributes and parts: what is known, nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.adapters.otel.support import STEP
from thunderagent.adapters.otel.turn import (
    attributes_of_request,
    attributes_of_step,
    model_of,
    operation_of,
    parts_of,
)


def parts(**changed: object) -> dict[str, tuple[float, float]]:
    """Begin and end of each, in seconds after the turn's arrival."""
    found = parts_of(replace(STEP, **changed))  # type: ignore[arg-type]
    return {part.name: (part.begins_ns / 1e9 - 100, part.ends_ns / 1e9 - 100) for part in found}


def test_waits_come_first_and_the_engine_s_times_end_with_the_turn() -> None:
    assert parts() == {"wait": (0, 4), "queue": (4.25, 4.5), "prefill": (4.5, 5), "decode": (5, 8)}


def test_between_them_are_tries_that_failed() -> None:
    assert parts(completed_at=110.0)["wait"] == (0, 4)
    assert parts(completed_at=110.0)["queue"] == (6.25, 6.5)


def test_what_an_engine_does_not_tell_is_left_out() -> None:
    assert parts(queue_s=None, prefill_s=None, decode_s=4.0) == {"wait": (0, 4), "engine": (4, 8)}
    assert parts(queue_s=None, pause_s=0.0) == {"prefill": (4.5, 5), "decode": (5, 8)}


def test_the_attributes_are_those_of_the_conventions() -> None:
    assert attributes_of_step(STEP) == {
        "gen_ai.conversation.id": "p",
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 900,
        "gen_ai.response.time_to_first_chunk": 4.75,
        "server.address": "gpu1",
        "server.port": 8000,
        "thunderagent.backend": "http://gpu1:8000#1",
        "thunderagent.group": "g",
        "thunderagent.phase": "train",
        "thunderagent.step": 2,
        "thunderagent.outcome": "completed",
        "thunderagent.reprefilled_tokens": 0,
        "thunderagent.tool_call_s": 1.5,
    }


def test_every_gen_ai_attribute_is_one_that_the_conventions_name() -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    named = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI")}
    ours = {*attributes_of_step(STEP), *attributes_of_request("/v1/messages", 200, None), "gen_ai.request.model"}
    assert {name for name in ours if name.startswith("gen_ai.")} <= named


def test_tokens_of_a_turn_that_failed_are_not_known() -> None:
    failed = attributes_of_step(replace(STEP, outcome="failed", cached_tokens=None, step_id=1, group=""))
    assert not [name for name in failed if name.startswith("gen_ai.usage")]
    assert not {"thunderagent.group", "thunderagent.tool_call_s", "gen_ai.response.time_to_first_chunk"} & set(failed)


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [(200, None, None), (429, "queue_full", "queue_full"), (400, None, "400"), (0, None, "client_left"), (200, "late", "late")],
)
def test_what_went_wrong_is_told_in_a_word(status: int, reason: str | None, error: str | None) -> None:
    assert attributes_of_request("/generate", status, reason).get("error.type") == error


def test_chats_and_completions_are_told_apart() -> None:
    assert [operation_of(path) for path in ("/v1/messages", "/v1/completions")] == ["chat", "text_completion"]


@pytest.mark.parametrize(("raw", "name"), [(b'"m"', "m"), (b"", None), (b"7", None), (b'""', None), (b'"\xff"', None)])
def test_a_model_s_name_is_text(raw: bytes, name: str | None) -> None:
    assert model_of(raw) == name
