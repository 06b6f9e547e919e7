"""The fake engine: answers at once and as cheaply as Python can, so that what is measured is the proxy.

It speaks as much of vLLM's dialect as routers ask for. A chat request's ``max_tokens`` is the number of chunks of a stream.

    python -m benchmarks.gateway.engine --port 8000
    curl -X POST 'http://127.0.0.1:8000/pace?ms=20'     a chunk of each stream per 20 ms; 0: as fast as they are taken
    curl http://127.0.0.1:8000/stats                    requests, streams and bytes so far
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import cast
from urllib.parse import parse_qs

import httptools
import uvloop

from benchmarks.gateway import dialect

KV_BLOCKS, BLOCK_TOKENS = 200_000_001, 16
"""A KV cache that no benchmark fills: nobody is ever held back. vLLM keeps one block for itself."""
LOOKED_AT_BYTES = 1_024
"""Of the start and of the end of a body: there the few fields are that matter, wherever a router moves them to."""
MAX_TOKENS = re.compile(rb'"max(?:_completion)?_tokens": ?(\d+)')
"""sglang-router gives it its newer name."""
STREAM = re.compile(rb'"stream": ?true')


@dataclass(slots=True)
class State:
    """Of the whole engine."""

    pace_s: float = 0.0
    """Between two chunks of a stream."""
    requests: int = 0
    streams: int = 0
    open_streams: int = 0
    aborted_streams: int = 0
    """Those whose client left before their end."""
    body_bytes: int = 0
    streamed_bytes: int = 0
    """Without the framing."""


class EngineConnection(asyncio.Protocol):
    """One connection: HTTP/1.1, kept open, one request after the other."""

    _transport: asyncio.Transport

    def __init__(self, state: State) -> None:
        self._state = state
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._start = self._end = b""
        self._body_bytes = 0
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self._stream is not None:
            self._stream.abort()

    def pause_writing(self) -> None:
        if self._stream is not None:
            self._stream.hold()

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.go_on()

    def on_message_begin(self) -> None:
        self._url = self._start = self._end = b""
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, piece: bytes) -> None:
        self._body_bytes += len(piece)
        if len(self._start) < LOOKED_AT_BYTES:
            self._start += piece[: LOOKED_AT_BYTES - len(self._start)]
        self._end = (self._end + piece[-LOOKED_AT_BYTES:])[-LOOKED_AT_BYTES:]

    def on_message_complete(self) -> None:
        path, _, query = self._url.partition(b"?")
        if path == b"/v1/chat/completions":
            self._answer_chat()
        else:
            self._write(*self._other(path.decode(), query.decode()))

    def _answer_chat(self) -> None:
        state = self._state
        state.requests += 1
        state.body_bytes += self._body_bytes
        prompt_tokens = self._body_bytes // dialect.BYTES_PER_TOKEN
        if not (STREAM.search(self._start) or STREAM.search(self._end)):
            self._transport.write(_chat_answer(prompt_tokens))
            return
        found = MAX_TOKENS.search(self._start) or MAX_TOKENS.search(self._end)
        tokens = int(found[1]) if found else dialect.ANSWER_TOKENS
        self._stream = Stream(state, self._transport, prompt_tokens, tokens, self._stream_ended)
        self._stream.begin()

    def _stream_ended(self) -> None:
        self._stream = None

    def _write(self, body: bytes, content_type: str = "application/json", status: str = "200 OK") -> None:
        self._transport.write(_http(body, content_type, status))

    def _other(self, path: str, query: str) -> tuple[bytes, str, str] | tuple[bytes]:
        if path == "/pace":
            self._state.pace_s = float(parse_qs(query)["ms"][0]) / 1e3
        elif path == "/stats":
            return (json.dumps(asdict(self._state)).encode(),)
        elif path == "/metrics":
            return _metrics(self._state).encode(), "text/plain; version=0.0.4", "200 OK"
        elif path in DOCUMENTS:
            return (json.dumps(DOCUMENTS[path]).encode(),)
        elif path not in ("/health", "/health_generate"):
            return b'{"error":{"message":"not found","code":404}}', "application/json", "404 Not Found"
        return (b"",)


class Stream:
    """One streamed answer: chunks at the engine's pace, or as fast as the connection takes them."""

    def __init__(
        self, state: State, transport: asyncio.Transport, prompt_tokens: int, tokens: int, ended: Callable[[], None]
    ) -> None:
        self._state, self._transport, self._ended = state, transport, ended
        self._prompt_tokens, self._tokens = prompt_tokens, tokens
        self._loop = asyncio.get_running_loop()
        self._sent = 0
        self._held = False
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The head, and the first chunk at once."""
        self._state.streams += 1
        self._state.open_streams += 1
        self._due_s = self._loop.time()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        self._next()

    def hold(self) -> None:
        """The client does not read."""
        self._held = True

    def go_on(self) -> None:
        """It does again."""
        self._held = False
        if self._timer is None:
            self._next()

    def abort(self) -> None:
        """The client has left."""
        self._state.aborted_streams += 1
        self._close()

    def _next(self) -> None:
        self._timer = None
        while not self._held:
            if self._sent == self._tokens:
                self._end()
                return
            self._transport.write(_framed_event(self._sent))
            self._state.streamed_bytes += len(dialect.stream_event(self._sent))
            self._sent += 1
            if pace_s := self._state.pace_s:
                # Every stream has times of its own, which do not drift.
                self._due_s += pace_s
                self._timer = self._loop.call_at(self._due_s, self._next)
                return

    def _end(self) -> None:
        last = dialect.last_events(self._prompt_tokens, self._tokens)
        self._state.streamed_bytes += len(last)
        self._transport.write(_framed(last) + b"0\r\n\r\n")
        self._close()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._held = True
        self._state.open_streams -= 1
        self._ended()


DOCUMENTS: dict[str, dict[str, object]] = {
    "/v1/models": {"object": "list", "data": [{"id": dialect.MODEL, "object": "model", "max_model_len": 10_000_000}]},
    "/version": {"version": "0.0.0-fake"},
    "/get_model_info": {"model_path": dialect.MODEL, "is_generation": True},
    "/model_info": {"model_path": dialect.MODEL, "is_generation": True},
    "/get_server_info": {"model_path": dialect.MODEL, "served_model_name": dialect.MODEL, "dp_size": 1},
    "/server_info": {"model_path": dialect.MODEL, "served_model_name": dialect.MODEL, "dp_size": 1},
}


def _http(body: bytes, content_type: str = "application/json", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@cache
def _chat_answer(prompt_tokens: int) -> bytes:
    return _http(dialect.answer(prompt_tokens))


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def _framed_event(index: int) -> bytes:
    return _framed(dialect.stream_event(index))


def _metrics(state: State) -> str:
    """In vLLM's names: what a scheduler reads to learn the engine's capacity."""
    labels = f'engine="0",model_name="{dialect.MODEL}"'
    gauges = {
        f'vllm:cache_config_info{{block_size="{BLOCK_TOKENS}",num_gpu_blocks="{KV_BLOCKS}",{labels}}}': 1.0,
        f"vllm:num_requests_running{{{labels}}}": float(state.open_streams),
        f"vllm:num_requests_waiting{{{labels}}}": 0.0,
        f"vllm:kv_cache_usage_perc{{{labels}}}": 0.0,
    }
    return "".join(f"# TYPE {name.partition('{')[0]} gauge\n{name} {value}\n" for name, value in gauges.items())


async def serve(port: int) -> None:
    """Until the process is told to end."""
    loop = asyncio.get_running_loop()
    state = State()
    server = await loop.create_server(lambda: EngineConnection(state), "127.0.0.1", port, backlog=4_096)
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    print(f"fake engine on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await told_to_end.wait()
    server.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gateway.engine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 0: any that is free (default: 8000)")
    options = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(options.port))


if __name__ == "__main__":
    main()
