"""Text is counted, media are not, whatever the API's shape."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core import PromptSize, measure

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2_000_000}}


def test_a_two_megabyte_base64_image_is_one_image_and_no_text() -> None:
    """Defect 9 of the public code: it counted as 759,000 tokens."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, IMAGE]}]
    assert measure(messages) == PromptSize(characters=13, images=1)


def test_openai_anthropic_and_responses_shapes_are_understood() -> None:
    anthropic = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}]}]
    responses = [
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:..."}, {"type": "input_text", "text": "ab"}]}
    ]
    tool_call = [{"role": "assistant", "tool_calls": [{"id": "x1", "function": {"name": "bash", "arguments": "{}"}}]}]
    assert measure(anthropic) == PromptSize(0, 1)
    assert measure(responses) == PromptSize(2, 1)
    assert measure(tool_call) == PromptSize(len("bash{}"), 0)
    assert measure([{"type": "input_audio", "input_audio": {"data": "AAAA"}}]) == PromptSize(0, 0)
    assert measure("abc") == PromptSize(3, 0)


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(), st.binary()), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_anything_else_is_measured_without_an_error(content: Any) -> None:
    assert measure(content).characters >= 0


def test_nesting_is_not_followed_without_end() -> None:
    content: Any = "x"
    for _ in range(100_000):
        content = [content]
    assert measure(content) == PromptSize(0, 0)
