"""A fake engine, for what the embedded one never does: it fails, waits, compresses, and tells what reached it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CAPACITY = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="6001"} 1.0\n'
ANSWER = {
    **{"id": "fake", "object": "chat.completion", "created": 0, "model": "fake"},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "fake"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11},
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it reached the engine."""

    method: str
    target: str
    """Path and query, as they stood in the request line."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What it answers."""

    status: int = 200
    body: bytes = json.dumps(ANSWER).encode()
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    breaks_off: bool = False
    """Whether more was promised than comes."""


def failure(status: int, **headers: str) -> Answer:
    """An error of an engine."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps({"error": {"message": "fake failure", "type": "x", "param": None, "code": status}}).encode()
    return Answer(status, body, {"content-type": "application/json", **names})


def calling(tool: str, command: str) -> Answer:
    """A call of a tool, in OpenAI's form."""
    function = {"name": tool, "arguments": json.dumps({"command": command})}
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call", "type": "function", "function": function}]}
    return Answer(
        body=json.dumps({**ANSWER, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()
    )


def streaming(*chunks: object, breaks_off: bool = False) -> Answer:
    """Events, all at once."""
    body = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    return Answer(200, body, {"content-type": "text/event-stream"}, breaks_off)


class FakeEngine:
    """Its metrics page is real, all else is what a test says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.arrived: list[Arrived] = []
        self.answer: Callable[[Arrived], Answer] = lambda arrived: Answer()
        self.go = threading.Event()
        """What tests let answers wait for; set at the end in any case."""

    def reset(self) -> None:
        """As new, for the next test."""
        self.go.set()
        self.arrived, self.answer, self.go = [], lambda arrived: Answer(), threading.Event()


@contextmanager
def fake_engine() -> Iterator[FakeEngine]:
    """Serves in threads of this process."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("user-agent") == "thunderagent":  # the watch looks: no request of a client
                if self.path.startswith("/metrics"):
                    answered = Answer(200, CAPACITY.encode(), {"content-type": "text/plain"})
                else:
                    answered = Answer(404, b"")
            else:
                arrived = Arrived(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                engine.arrived.append(arrived)
                answered = engine.answer(arrived)
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answered.body) + answered.breaks_off))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answered.body)
            self.close_connection |= answered.breaks_off

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # its client has left, as some tests want
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    engine = FakeEngine(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        engine.go.set()
        server.shutdown()
        server.server_close()
