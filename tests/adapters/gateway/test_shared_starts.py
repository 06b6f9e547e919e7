"""What programs have in common: tools and system prompt, of a chat in any API's shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.shared_starts import MIN_CHARACTERS, NO_START, SharedStart, shared_start

SYSTEM = "You are an agent. " * 100
TOOLS = [{"type": "function", "function": {"name": "bash", "description": "Runs a command. " * 100}}]


def start_of(**body: Any) -> SharedStart:
    return shared_start(json.dumps(body).encode())


def chat(*messages: tuple[str, str], **more: Any) -> SharedStart:
    return start_of(messages=[{"role": role, "content": content} for role, content in messages], **more)


def test_chats_that_begin_alike_share_a_start_whatever_follows() -> None:
    one, other = chat(("system", SYSTEM), ("user", "Fix the bug.")), chat(("system", SYSTEM), ("user", "Write a test."))
    assert one == other
    assert one.name and one.characters == len(json.dumps(SYSTEM))


@pytest.mark.parametrize("role", ["system", "developer"])
def test_all_messages_before_the_users_are_of_it(role: str) -> None:
    assert chat(("system", SYSTEM), (role, SYSTEM), ("user", "x")).characters == 2 * len(json.dumps(SYSTEM))


def test_a_system_message_after_the_users_is_not() -> None:
    assert chat(("user", "x"), ("system", SYSTEM)) == NO_START


def test_the_tools_definitions_are_of_it_and_tell_chats_apart() -> None:
    with_tools = chat(("system", SYSTEM), ("user", "x"), tools=TOOLS)
    assert with_tools.characters == len(json.dumps(SYSTEM)) + len(json.dumps(TOOLS))
    assert with_tools.name != chat(("system", SYSTEM), ("user", "x")).name


def test_the_same_text_in_another_place_is_another_start() -> None:
    assert start_of(system=SYSTEM, messages=[]).name != start_of(instructions=SYSTEM, input="x").name


@pytest.mark.parametrize("key", ["system", "instructions"])
def test_messages_and_responses_have_theirs_in_a_field(key: str) -> None:
    assert start_of(**{key: SYSTEM}).characters == len(json.dumps(SYSTEM))


def test_a_short_start_is_none() -> None:
    assert chat(("system", "x" * (MIN_CHARACTERS - 3)), ("user", SYSTEM)) == NO_START
    assert chat(("system", "x" * (MIN_CHARACTERS - 2)), ("user", SYSTEM)) != NO_START


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages":"x"}', b'{"messages":[{"role":1}]}', b"\xff"])
def test_what_cannot_be_read_has_none(body: bytes) -> None:
    assert shared_start(body) == NO_START


@pytest.mark.parametrize("path", DIALECTS)
def test_chats_alone_have_one(path: str) -> None:
    body = json.dumps({"system": SYSTEM, "prompt": SYSTEM, "text": SYSTEM}).encode()
    assert (DIALECTS[path].shared_start(body) != NO_START) == (path in ("/v1/chat/completions", "/v1/messages", "/v1/responses"))
