"""The generating endpoints: a request to each, and what an engine answers, whole or as events."""

from __future__ import annotations

import json
from typing import Any

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
GENERATE = "/generate"
TOKENS = "/inference/v1/generate"
PATHS = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, GENERATE, TOKENS)

TEXT = "hello " * 60
PROMPT_TOKENS, COMPLETION_TOKENS = 40, 5
_OPENAI = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS, "total_tokens": 45}
_COUNTS = {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS}
_PROMPTS: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": TEXT}]},
    COMPLETIONS: {"prompt": TEXT},
    RESPONSES: {"input": TEXT},
    MESSAGES: {"max_tokens": 5, "messages": [{"role": "user", "content": TEXT}]},
    GENERATE: {"text": TEXT},
    TOKENS: {"token_ids": [1, 2, 3], "sampling_params": {"max_tokens": 5}},
}


def request(path: str = CHAT, *, stream: bool = False, program_id: str | None = None, **more: Any) -> bytes:
    """A body that a client sends."""
    fields = {"model": "m", **_PROMPTS[path], "stream": stream, **more}
    if program_id is not None:
        fields["program_id"] = program_id
    return json.dumps(fields).encode()


def answer(path: str, text: str = "hi") -> bytes:
    """An engine's whole answer."""
    return json.dumps(_answer(path, text)).encode()


def event(path: str, text: str = "hi") -> bytes:
    """One event of a streamed answer, which brings some text."""
    match path:
        case "/v1/responses":
            return _sse({"type": "response.output_text.delta", "delta": text}, named=True)
        case "/v1/messages":
            return _sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}, named=True)
        case "/generate":
            return _sse({"text": text, "meta_info": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": 1}})
        case "/v1/chat/completions":
            return _sse({"choices": [{"index": 0, "delta": {"content": text}}]})
        case _:
            return _sse({"choices": [{"index": 0, "text": text}]})


def last_events(path: str) -> bytes:
    """The end of a streamed answer, with its counts."""
    match path:
        case "/v1/responses":
            return _sse({"type": "response.completed", "response": {"usage": _COUNTS}}, named=True)
        case "/v1/messages":
            return _sse({"type": "message_delta", "usage": _COUNTS}, named=True) + _sse({"type": "message_stop"}, named=True)
        case "/generate":
            return _sse({"text": "hi", "meta_info": _OPENAI}) + b"data: [DONE]\n\n"
        case _:
            return _sse({"choices": [], "usage": _OPENAI}) + b"data: [DONE]\n\n"


def _answer(path: str, text: str) -> dict[str, Any]:
    match path:
        case "/v1/chat/completions":
            return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}], "usage": _OPENAI}
        case "/v1/responses":
            return {"output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}], "usage": _COUNTS}
        case "/v1/messages":
            return {"type": "message", "content": [{"type": "text", "text": text}], "usage": _COUNTS}
        case "/generate":
            return {"text": text, "meta_info": _OPENAI}
        case _:
            return {"choices": [{"index": 0, "text": text, "token_ids": [1]}], "usage": _OPENAI}


def _sse(data: dict[str, Any], *, named: bool = False) -> bytes:
    name = f"event: {data['type']}\n".encode() if named else b""
    return name + b"data: " + json.dumps(data).encode() + b"\n\n"
