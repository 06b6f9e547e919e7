"""The requests that are sent and the answers that the fake engine gives, as bytes: both ends take them from here."""

from __future__ import annotations

import json
import re
from functools import cache

MODEL = "fake"
SMALL_BYTES, MEDIUM_BYTES, LARGE_BYTES = 328, 199_000, 2_000_000
"""Bodies of one question, of a long agent context and of a very long one."""
ANSWER_TOKENS = 8
BYTES_PER_TOKEN = 4
TRANSCRIPT = (
    r"def resolve(self, name: str) -> Path:\n    \"\"\"The file, or an error that says what is there.\"\"\"\n"
    r"    for folder in self.folders:\n        found = folder / f\"{name}.yaml\"\n        if found.exists():\n"
    r"            return found\n\n$ pytest -x tests/test_config.py\n3 passed, 1 failed in 0.42s\n"
    r"E   AssertionError: assert '/etc/app' == '/etc/app/conf'\n"
)
"""What agents send: code and the output of tools. As it stands in JSON, with the escapes that this text needs there."""


PROGRAM, STEP = "bench/00000000", "step-00000000"
"""The first program and its first turn. Where they stand in a request, another request has its own, of the same length."""


def chat(body_bytes: int, *, id_in_body: bool = False, stream_tokens: int | None = None) -> bytes:
    """A chat request of just so many bytes: the program's conversation, some kB to a message; only the last one is new.

    Args:
        id_in_body: The program's id is also in thunderagent's own field.
        stream_tokens: Streamed, in so many chunks.
    """
    fields = f'"model":"{MODEL}","max_tokens":{stream_tokens or ANSWER_TOKENS},"temperature":0.7'
    if stream_tokens is not None:
        fields += ',"stream":true,"stream_options":{"include_usage":true}'
    if id_in_body:
        fields += f',"program_id":"{PROGRAM}"'
    start, end = f'{{{fields},"messages":[{{"role":"user","content":"', '"}]}'
    return (start + _conversation(body_bytes - len(start) - len(end)) + end).encode()


@cache
def _conversation(room: int) -> str:
    """The inside of "messages", from the first content to the last, ``room`` bytes long."""
    first, last = f"Task {PROGRAM}. ", f"After {STEP}: "
    if room < len(first) + len(last):
        raise ValueError(f"the body has {room} bytes for its messages, at least {len(first) + len(last)} are needed")
    turns = ('"},{"role":"assistant","content":"', '"},{"role":"user","content":"')
    message = TRANSCRIPT * 6
    parts = [first]
    left = room - len(first) - len(last)
    while left > 2 * len(message):
        parts += [message, turns[len(parts) // 2 % 2]]
        left -= len(parts[-2]) + len(parts[-1])
    rest = (TRANSCRIPT * (1 + left // len(TRANSCRIPT)))[:left]
    # An escape that was cut in two would not be JSON any more.
    return "".join(parts) + last + (rest[:-1] + "." if rest.endswith("\\") else rest)


class Turns:
    """The requests of all programs and turns, as they go over the connection."""

    def __init__(self, request: bytes) -> None:
        """Of the first turn of the first program."""
        pieces = re.split(f"({PROGRAM}|{STEP})".encode(), request)
        self._fixed, self._marks = pieces, [(at, mark == STEP.encode()) for at, mark in enumerate(pieces) if at % 2]

    def __call__(self, program: int, step: int) -> bytes:
        """Of this program and turn; all are different."""
        pieces = self._fixed.copy()
        for at, is_step in self._marks:
            pieces[at] = b"step-%08d" % step if is_step else b"bench/%08d" % program
        return b"".join(pieces)


def http_request(host: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """As it goes over the connection, which stays open."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer(prompt_tokens: int) -> bytes:
    """What the engine answers to a request that is not streamed."""
    message = {"role": "assistant", "content": " ".join(f"word{index}" for index in range(ANSWER_TOKENS))}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    document = {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
    return json.dumps({**document, "usage": usage(prompt_tokens, ANSWER_TOKENS)}, separators=(",", ":")).encode()


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, object]:
    """All full blocks of a prompt are found in the cache: a proxy that looks has nothing to worry about."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": prompt_tokens // 16 * 16},
    }


@cache
def stream_event(index: int) -> bytes:
    """One chunk of a stream; each is another one, so that what is lost, doubled or out of order is seen."""
    return _event([{"index": 0, "delta": {"content": f" word{index}"}, "logprobs": None, "finish_reason": None}], None)


def last_events(prompt_tokens: int, tokens: int) -> bytes:
    """What comes after the chunks of a stream: its end, its usage, and the mark."""
    end = _event([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}], None)
    return end + _event([], usage(prompt_tokens, tokens)) + b"data: [DONE]\n\n"


def stream(prompt_tokens: int, tokens: int) -> bytes:
    """All that a client gets."""
    return b"".join(map(stream_event, range(tokens))) + last_events(prompt_tokens, tokens)


def _event(choices: list[dict[str, object]], used: dict[str, object] | None) -> bytes:
    document = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices}
    document |= {} if used is None else {"usage": used}
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"
