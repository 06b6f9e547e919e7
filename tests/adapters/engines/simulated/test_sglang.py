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


def test_the_stop_string_that_comes_first_ends_an_answer() -> None:
    policy = Scripted("a<search>b</search>c</answer>d")
    stops = ["</answer>", "</search>", "never"]

    async def scenario(server: Server) -> list[Any]:
        return [
            (await server.post(PATH, {"text": "one", "return_logprob": True, "sampling_params": params}))[1]
            for params in (
                {"stop": stops},
                {"stop": stops, "no_stop_trim": True},
                {"stop": "</search>", "no_stop_trim": True, "max_new_tokens": 3},
            )
        ]

    trimmed, whole, cut = serve(scenario, policy)
    assert (trimmed["text"], whole["text"], cut["text"]) == ("a<search>b", "a<search>b</search>", "a<s")
    for answer in (trimmed, whole):
        assert TOKENIZER.decode(answer["output_ids"]) == "a<search>b</search>"
        assert answer["meta_info"]["finish_reason"] == {"type": "stop", "matched": "</search>"}
    assert cut["meta_info"]["finish_reason"]["type"] == "length"


def test_a_stop_string_ends_a_stream_too() -> None:
    async def scenario(server: Server) -> list[str]:
        return await server.events(PATH, {"text": "one", "stream": True, "sampling_params": {"stop": ["lo"]}})

    last = orjson.loads(serve(scenario)[-2].removeprefix("data: "))
    assert (last["text"], last["meta_info"]["finish_reason"]["matched"]) == ("hel", "lo")


def test_the_end_token_is_shown_where_nothing_is_trimmed() -> None:
    """As slime asks for it: the text is what its tokens are."""

    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"text": "one", "sampling_params": {"no_stop_trim": True, "skip_special_tokens": False}})

    _, answer = serve(scenario)
    assert answer["text"] == TOKENIZER.decode(answer["output_ids"]) == "hello<|im_end|>"
