"""Tiny requests: what their answers tell, and whether an engine lets go of one whose client has left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.adapters.engines.checkup.support import VLLM_METRICS, Canned, Recorded, completion, embedded, served, text
from tests.adapters.engines.checkup.test_look import only
from thunderagent.adapters.engines.checkup import Checkup, Verdict, check_up
from thunderagent.adapters.engines.checkup.trial import ABORT_WITHIN_S

USAGE = {"prompt_tokens": 262, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 256}}


class Clock:
    """Sleeps in no time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def look(url: str, clock: Clock | None = None) -> Checkup:
    [checkup] = asyncio.run(check_up([url], timeout_s=10.0, sleep=(clock or Clock()).sleep))
    return checkup


class Chat:
    """vLLM's pages, with a chat endpoint that answers as a test says."""

    def __init__(self, usage: Any = USAGE, stream_usage: Any = USAGE, *, goes_on: bool = False, shows: bool = True) -> None:
        self.usage, self.stream_usage = usage, stream_usage
        self.goes_on, self.shows = goes_on, shows
        self.prefix_caching = True
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.running = 0

    def app(self) -> web.Application:
        pages = dict(Recorded.vllm().pages)
        del pages["/metrics"]
        app = Recorded(pages).app()
        app.router.add_get("/metrics", self.metrics)
        app.router.add_post("/v1/chat/completions", self.complete)
        return app

    async def metrics(self, request: web.Request) -> web.Response:
        running = float(self.running if self.shows else 0)
        page = VLLM_METRICS.replace("ON", str(self.prefix_caching)).replace(
            'num_requests_running{engine="0",model_name="tiny"} 0.0',
            f'num_requests_running{{engine="0",model_name="tiny"}} {running}',
        )
        return await text(page).answer(request)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if not body.get("stream"):
            return await completion(self.usage).answer(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices": []}\n\n')
        if body["max_tokens"] > 2:
            self.running = 1
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.running = int(self.goes_on)
                raise
        usage = {"usage": self.stream_usage} if self.stream_usage else {}
        await response.write(f"data: {json.dumps({'choices': [], **usage})}\n\ndata: [DONE]\n\n".encode())
        return response


def test_the_same_prompt_comes_again_streamed_and_then_as_a_request_that_is_left() -> None:
    chat = Chat()
    with served(chat.app()) as url:
        checkup = look(url)

    assert checkup.ready
    first, again, streamed, left = chat.bodies
    assert first == again
    assert first["max_tokens"] == 2
    assert streamed == {**first, "stream": True, "stream_options": {"include_usage": True}}
    assert (left["max_tokens"], left["ignore_eos"]) == (1024, True)
    assert only(checkup, "cached_tokens").seen == "256 of 262 when a prompt came again"
    assert only(checkup, "abort").verdict is Verdict.OK


def test_no_two_looks_send_the_same_prompt() -> None:
    chat = Chat()
    with served(chat.app()) as url:
        look(url)
        look(url)

    prompts = [body["messages"][0]["content"] for body in chat.bodies]
    assert len(set(prompts)) == 2
    assert len(prompts[0].split()) > 96  # three blocks of 32


def test_usage_without_cached_tokens_needs_a_flag() -> None:
    plain = {"prompt_tokens": 262, "prompt_tokens_details": None}
    with served(Chat(plain, plain).app()) as url:
        checkup = look(url)

    assert [finding.check for finding in checkup.blind] == ["cached_tokens"]
    assert only(checkup, "cached_tokens").fix == "start it with --enable-prompt-tokens-details"
    assert only(checkup, "stream_usage").verdict is Verdict.OK


def test_a_prompt_that_is_not_found_again_is_wrong() -> None:
    nothing = {"prompt_tokens": 262, "prompt_tokens_details": {"cached_tokens": 0}}
    with served(Chat(nothing, nothing).app()) as url:
        checkup = look(url)

    assert only(checkup, "cached_tokens").verdict is Verdict.WRONG
    assert only(checkup, "cached_tokens").seen == "0 of 262 though the prompt had just been there"


def test_a_stream_without_usage_is_missing_it() -> None:
    with served(Chat(stream_usage=None).app()) as url:
        assert only(look(url), "stream_usage").verdict is Verdict.MISSING


def test_a_stream_that_leaves_out_cached_tokens_is_wrong() -> None:
    with served(Chat(stream_usage={"prompt_tokens": 262}).app()) as url:
        assert only(look(url), "stream_usage").seen == "it comes, but without cached tokens"


def test_a_request_that_goes_on_without_its_client_is_wrong_after_some_seconds() -> None:
    clock = Clock()
    with served(Chat(goes_on=True).app()) as url:
        checkup = look(url, clock)

    assert only(checkup, "abort").verdict is Verdict.WRONG
    assert clock.now_s == pytest.approx(ABORT_WITHIN_S)


def test_where_the_metrics_do_not_show_a_request_nobody_knows_whether_it_ends() -> None:
    with served(Chat(shows=False).app()) as url:
        found = only(look(url), "abort")

    assert (found.verdict, found.seen) == (Verdict.UNKNOWN, "its metrics do not show the request")


def test_on_a_busy_engine_nobody_knows_whether_a_request_ends() -> None:
    chat = Chat()
    chat.running = 3
    with served(chat.app()) as url:
        checkup = look(url)

    assert only(checkup, "abort").seen == "it is busy, or does not tell its load"
    assert checkup.ready


def test_a_model_without_a_chat_template_gets_plain_completions() -> None:
    recorded = Recorded.vllm().having(
        v1__chat__completions=Canned('{"error": {"message": "no chat template"}}', 400), v1__completions=completion(USAGE)
    )
    with served(recorded.app()) as url:
        checkup = look(url)

    assert only(checkup, "request").verdict is Verdict.OK
    assert only(checkup, "cached_tokens").verdict is Verdict.OK


def told_by(page: Canned) -> str:
    with served(Recorded.vllm().having(v1__chat__completions=page).app()) as url:
        checkup = look(url)
    assert only(checkup, "request").verdict is Verdict.WRONG
    assert only(checkup, "cached_tokens").verdict is only(checkup, "stream_usage").verdict is Verdict.UNKNOWN
    return only(checkup, "request").seen


def test_a_request_that_is_refused_is_told_with_the_engines_words() -> None:
    shapes: list[Callable[[str], object]] = [
        lambda text: {"error": {"message": text}},
        lambda text: {"error": text},
        lambda text: {"detail": text},
    ]
    for shape in shapes:
        said = Canned(json.dumps(shape("the engine\nis dead")), 500)
        assert told_by(said) == "/v1/chat/completions answers 500: the engine is dead"
    assert told_by(Canned("Bad gateway", 502, "text/plain")) == "/v1/chat/completions answers 502: Bad gateway"


def test_an_answer_that_is_no_json_tells_nothing() -> None:
    with served(Recorded.vllm().having(v1__chat__completions=Canned("[" * 100_000)).app()) as url:
        checkup = look(url)

    assert only(checkup, "cached_tokens").verdict is Verdict.MISSING
    assert only(checkup, "stream_usage").verdict is Verdict.MISSING


def test_ranks_are_named_so_that_a_prompt_meets_its_kv() -> None:
    chat = Chat()
    second = "\n".join(line.replace('engine="0"', 'engine="1"') for line in VLLM_METRICS.splitlines() if 'engine="0"' in line)
    both = VLLM_METRICS + second + "\n"
    pages = {**Recorded.vllm().pages, "/metrics": text(both.replace("ON", "True"))}
    app = Recorded(pages).app()
    app.router.add_post("/v1/chat/completions", chat.complete)
    with served(app) as url:
        checkup = look(url)

    assert {headers["X-data-parallel-rank"] for headers in chat.headers} == {"0"}
    assert only(checkup, "ranks").seen == "2; a request can name its own (X-data-parallel-rank)"


def test_the_embedded_engine_lets_go_of_a_request_whose_client_left() -> None:
    with embedded() as url:
        assert only(look(url), "abort").seen == "a request ends when its client leaves"
