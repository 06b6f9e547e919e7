from __future__ import annotations

import asyncio
import itertools
from typing import Any

import orjson

from .support import EOS, TOKENIZER, Scripted, Server, serve

PATH = "/generate"


def test_text_or_token_ids_come_in_and_both_go_out() -> None:
    policy = Scripted("hello")

    async def scenario(server: Server) -> list[Any]:
        return [
            (await server.post(PATH, {"text": "one", "sampling_params": {"temperature": 0}}))[1],
            (await server.post(PATH, {"input_ids": TOKENIZER.encode("two"), "rid": "r", "return_logprob": True}))[1],
        ]

    by_text, by_ids = serve(scenario, policy)
    assert policy.asked == [("one", None), ("two", None)]
    assert (by_text["text"], by_text["output_ids"]) == ("hello", [*TOKENIZER.encode("hello"), EOS])
    meta = by_ids["meta_info"]
    assert (meta["id"], meta["prompt_tokens"], meta["completion_tokens"], meta["cached_tokens"]) == ("r", 3, 6, 0)
    assert meta["finish_reason"] == {"type": "stop", "matched": EOS}
    assert [token_id for _, token_id, _ in meta["output_token_logprobs"]] == by_ids["output_ids"]
    assert meta["e2e_latency"] > 0


def test_an_answer_that_is_cut_says_how_long_it_is() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"text": "one", "sampling_params": {"max_new_tokens": 2}})

    _, answer = serve(scenario)
    assert (answer["text"], answer["meta_info"]["finish_reason"]) == ("he", {"type": "length", "length": 2})


def test_the_same_prompt_again_is_cached() -> None:
    async def scenario(server: Server) -> Any:
        await server.post(PATH, {"text": "x" * 40})
        return await server.post(PATH, {"text": "x" * 40})

    assert serve(scenario)[1]["meta_info"]["cached_tokens"] == 32


def test_every_event_of_a_stream_has_all_so_far() -> None:
    async def scenario(server: Server) -> list[str]:
        return await server.events(PATH, {"text": "one", "stream": True})

    *events, end = serve(scenario)
    answers = [orjson.loads(event.removeprefix("data: ")) for event in events]
    assert end == "data: [DONE]"
    texts = [answer["text"] for answer in answers]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert texts[-1] == "hello"
    assert [answer["meta_info"]["finish_reason"] for answer in answers[:-1]] == [None] * (len(answers) - 1)
    assert answers[-1]["meta_info"]["finish_reason"]["type"] == "stop"


def test_an_aborted_one_says_so() -> None:
    async def scenario(server: Server) -> Any:
        generating = asyncio.create_task(server.post(PATH, {"text": "one", "sampling_params": {"max_new_tokens": None}}))
        await server.until(lambda: server.engine.counters.generation_tokens > 2)
        await server.post("/pause")
        return await generating

    _, answer = serve(scenario, Scripted("x" * 3000), time_scale=1.0)
    assert answer["meta_info"]["finish_reason"]["type"] == "abort"
    assert 0 < answer["meta_info"]["completion_tokens"] < 3000


def test_a_request_without_a_prompt_is_refused() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"sampling_params": {}})

    status, answer = serve(scenario)
    assert (status, answer["error"]["param"]) == (400, "text")
