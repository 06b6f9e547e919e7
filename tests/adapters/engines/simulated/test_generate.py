from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from .support import EOS, SPEC, TOKENIZER, Scripted, Server, serve


def test_the_answer_is_the_policys_tokens_and_the_end_token() -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        return await server.generate(TOKENIZER.encode("<|im_start|>user\nhi"))

    answer = serve(scenario, Scripted("hello"))
    choice = answer["choices"][0]
    assert choice["token_ids"] == [*TOKENIZER.encode("hello"), EOS]
    assert choice["finish_reason"] == "stop"
    assert choice["logprobs"] is None
    assert answer["usage"] == {
        "prompt_tokens": 8,
        "completion_tokens": 6,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def test_max_tokens_cuts_the_answer() -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        return await server.generate([1, 2, 3], max_tokens=4)

    choice = serve(scenario)["choices"][0]
    assert choice["token_ids"] == TOKENIZER.encode("hell")
    assert choice["finish_reason"] == "length"


def test_an_answer_that_just_fits_max_tokens_stops_by_itself() -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        return await server.generate([1, 2, 3], max_tokens=6)

    assert serve(scenario)["choices"][0]["finish_reason"] == "stop"


def test_each_token_gets_a_logprob_when_asked() -> None:
    async def scenario(server: Server) -> Any:
        body = {"token_ids": [1, 2, 3], "sampling_params": {"logprobs": 0}}
        return await server.post("/skyrl/v1/generate", body)

    status, answer = serve(scenario)
    content = answer["choices"][0]["logprobs"]["content"]
    assert status == 200
    assert len(content) == 6
    assert all(entry["logprob"] <= 0 for entry in content)


def test_the_policy_sees_special_tokens_and_the_session() -> None:
    policy = Scripted("ok")
    prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"

    async def scenario(server: Server) -> None:
        body = {"token_ids": TOKENIZER.encode(prompt), "sampling_params": {}}
        await server.post("/inference/v1/generate", body, headers={"X-Session-ID": "program-7"})

    serve(scenario, policy)
    assert policy.asked == [(prompt, "program-7")]


def test_the_cache_salt_separates_prefixes() -> None:
    async def scenario(server: Server) -> list[int]:
        prompt = list(range(40))
        answers = [await server.generate(prompt, cache_salt=salt) for salt in ("v1", "v1", "v2")]
        return [answer["usage"]["prompt_tokens_details"]["cached_tokens"] for answer in answers]

    assert serve(scenario) == [0, 32, 0]


def test_the_time_taken_is_the_simulated_time_divided_by_the_scale() -> None:
    async def scenario(server: Server) -> tuple[float, dict[str, float]]:
        began_s = time.perf_counter()
        answer = await server.generate(list(range(200)))
        return time.perf_counter() - began_s, answer["timing"]

    # 20 ms of prefill and 101 steps of 10 ms, at 5 times the speed.
    elapsed_s, timing = serve(scenario, Scripted("x" * 100), time_scale=5.0)
    assert timing["prefill_s"] == pytest.approx((0.02 + 0.01) / 5)
    assert timing["decode_s"] == pytest.approx(100 * 0.01 / 5, rel=0.01)
    assert elapsed_s >= timing["prefill_s"] + timing["decode_s"]


def test_a_disconnect_frees_the_engine() -> None:
    async def scenario(server: Server) -> None:
        task = asyncio.create_task(server.generate([1, 2, 3]))
        await server.until(lambda: server.engine.running == 1)
        task.cancel()
        await server.until(lambda: server.engine.running == 0)
        assert server.engine.used_blocks == 0

    serve(scenario, Scripted("x" * 3000), time_scale=1.0)


def test_an_aborted_request_answers_with_the_tokens_it_has() -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        task = asyncio.create_task(server.generate([1, 2, 3], request_id="victim"))
        await server.until(lambda: "victim" in server.engine and server.engine.completion_tokens("victim") > 2)
        await server.post("/abort_requests", {"request_ids": ["victim", "unknown"]})
        return await task

    choice = serve(scenario, Scripted("x" * 3000), time_scale=1.0)["choices"][0]
    assert choice["finish_reason"] == "abort"
    assert 2 < len(choice["token_ids"]) < 3000


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "token_ids"),
        ({"token_ids": ["a"]}, "token_ids"),
        ({"token_ids": [-1]}, "token_ids"),
        ({"token_ids": [10**6]}, "token_ids"),
        ({"token_ids": []}, "token_ids"),
        ({"token_ids": [1], "sampling_params": {"max_tokens": 0}}, "sampling_params.max_tokens"),
        ({"token_ids": [1], "sampling_params": {"n": 2}}, "n"),
        ([1, 2], None),
    ],
)
def test_bad_input_is_refused_with_the_name_of_the_field(body: Any, param: str | None) -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/inference/v1/generate", body)

    status, answer = serve(scenario)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["param"] == param


def test_a_body_that_is_not_json_is_refused() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/inference/v1/generate", data=b"{")

    status, answer = serve(scenario)
    assert status == 400
    assert "not JSON" in answer["error"]["message"]


def test_a_prompt_without_room_for_an_answer_is_refused() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/inference/v1/generate", {"token_ids": [1] * SPEC.usable_tokens})

    status, answer = serve(scenario)
    assert status == 400
    assert answer["error"]["code"] == "context_length_exceeded"


def test_an_answer_stops_at_the_maximum_length_of_the_model() -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        return await server.generate([1] * 10, max_tokens=100)

    choice = serve(scenario, max_model_len_tokens=13)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert len(choice["token_ids"]) == 3


def test_an_unknown_model_is_not_found() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/inference/v1/generate", {"token_ids": [1], "model": "other"})

    status, answer = serve(scenario, model_name="ours")
    assert (status, answer["error"]["code"]) == (404, "model_not_found")


def test_a_policy_that_fails_is_a_server_error_and_the_server_goes_on() -> None:
    class Failing(Scripted):
        def answer(self, prompt_text: str, session_id: str | None) -> str:
            if not self.asked:
                super().answer(prompt_text, session_id)
                raise LookupError("no script for this")
            return self.text

    async def scenario(server: Server) -> Any:
        failed = await server.post("/inference/v1/generate", {"token_ids": [1]})
        return failed, await server.generate([1])

    (status, answer), second = serve(scenario, Failing("fine"))
    assert status == 500
    assert answer["error"]["message"] == "LookupError: no script for this"
    assert second["choices"][0]["finish_reason"] == "stop"
