"""Engines served by others: what is missing is said in one line, with the way to get it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recipes.skyrl_swe.served import GENERATE, PAUSED, require_served
from thunderagent.errors import ConfigError


@contextmanager
def serving(*paths: str, models: tuple[str, ...] = ("m",), absent: int = 404) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": name} for name in models]}).encode() if self.path == "/v1/models" else b""
            self.send_response(200 if self.path in paths else absent)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(422 if self.path in paths else absent)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def complaint(url: str, model: str = "m") -> str:
    with pytest.raises(ConfigError) as caught:
        require_served([url], model)
    return str(caught.value)


def test_an_engine_with_all_endpoints_and_the_model_passes() -> None:
    with serving("/metrics", GENERATE, PAUSED, "/v1/models") as url:
        require_served([url, url], "m")


def test_an_engine_that_does_not_tell_its_models_passes() -> None:
    with serving("/metrics", GENERATE, PAUSED) as url:
        require_served([url], "anything")


@pytest.mark.parametrize("status", [403, 404])
def test_without_the_token_route_the_flag_is_named(status: int) -> None:
    with serving("/metrics", PAUSED, absent=status) as url:
        assert complaint(url) == f"engine.urls={url}: it has no {GENERATE}; start vLLM with --enable-scale-out"


def test_without_pausing_the_variable_is_named() -> None:
    with serving("/metrics", GENERATE) as url:
        assert "VLLM_SERVER_DEV_MODE=1" in complaint(url)


def test_another_model_than_the_served_one_is_told_which_are_there() -> None:
    with serving("/metrics", GENERATE, PAUSED, "/v1/models", models=("a", "b")) as url:
        assert complaint(url) == f"model=m: must be one of those that {url} serves: a, b"
