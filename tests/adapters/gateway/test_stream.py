"""Streams pass through; usage and tool are read on the way, and the usage that only the gateway wanted is taken out again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.gateway.streams import COUNTS, DONE, USAGE, VLLM, cuts, event, sglang_chunk, vllm_chunk
from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Answered, Asked
from thunderagent.adapters.gateway.stream import (
    HELD_BYTES,
    KEPT_BYTES,
    LOOKED_AT_BYTES,
    EventShape,
    HidingReader,
    PassingReader,
)
from thunderagent.core import Usage

SHAPE = EventShape(counts.openai, tool_key=b'"function"')
ASKED = Asked(b"", stream=True)
KNOWN = Answered(Usage(1843, 23, 1824), "bash")
ENDS = ["\n", "\r\n", "\r"]


def passing() -> PassingReader:
    return PassingReader(SHAPE, ASKED)


def hiding() -> HidingReader:
    return HidingReader(SHAPE, ASKED)


def given_back(reader: PassingReader, chunks: list[bytes]) -> bytes:
    return b"".join([*map(reader.feed, chunks), reader.end()])


def with_ends(stream: bytes, end: str) -> bytes:
    return stream.replace(b"\n", end.encode())


# Passing


def test_every_chunk_is_given_back_as_the_same_object() -> None:
    reader = passing()
    for chunk in (VLLM[:100], VLLM[100:], event(USAGE), DONE):
        assert reader.feed(chunk) is chunk
    assert reader.end() == b""
    assert reader.answered == KNOWN


@given(cuts(VLLM + event(USAGE) + DONE))
def test_usage_and_tool_are_read_however_the_stream_is_cut(chunks: list[bytes]) -> None:
    reader = passing()
    assert given_back(reader, chunks) == VLLM + event(USAGE) + DONE
    assert reader.answered == KNOWN


@pytest.mark.parametrize("end", ENDS)
def test_usage_is_read_whatever_ends_lines(end: str) -> None:
    reader = passing()
    reader.feed(with_ends(VLLM + event(USAGE) + DONE, end))
    assert reader.answered == KNOWN


def test_before_the_usage_comes_it_is_not_known() -> None:
    reader = passing()
    assert reader.answered == Answered()
    reader.feed(VLLM)
    assert reader.answered == Answered(None, "bash")
    reader.feed(event(USAGE)[:-40])
    assert reader.answered == Answered(None, "bash")


def test_with_continuous_usage_the_last_counts_are_taken() -> None:
    reader = passing()
    for n in range(100):
        reader.feed(event(vllm_chunk({"content": "x"}, usage={"prompt_tokens": 9, "completion_tokens": n})))
    assert reader.answered.usage == Usage(9, 99)
    reader.feed(event(USAGE))
    assert reader.answered.usage == KNOWN.usage


def test_a_tool_called_at_the_start_of_a_long_stream_is_remembered_and_little_of_it_kept() -> None:
    reader = passing()
    reader.feed(VLLM)
    for _ in range(2_000):
        reader.feed(event(vllm_chunk({"tool_calls": [{"index": 1, "function": {"arguments": "x" * 100}}]})))
        assert reader._recent_bytes <= LOOKED_AT_BYTES + KEPT_BYTES
    reader.feed(event(vllm_chunk({"tool_calls": [{"index": 1, "function": {"name": "other"}}]})) + event(USAGE) + DONE)
    assert reader.answered == KNOWN


def test_a_stream_without_a_tool_has_none() -> None:
    reader = passing()
    for n in range(1_000):
        reader.feed(event(sglang_chunk(f'word {n} "function":{{"name":"x"}}')))
    reader.feed(event(USAGE) + DONE)
    assert reader.answered == Answered(KNOWN.usage)


def test_the_counts_of_several_answers_are_told_as_one_context() -> None:
    reader = PassingReader(SHAPE, Asked(b"", prompts=2, answers=2))
    reader.feed(event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 40}}))
    assert reader.answered.usage == Usage(10, 10)


# Hiding


def test_the_usage_event_is_taken_out_and_all_else_is_the_same_object() -> None:
    reader = hiding()
    chunks = [event(sglang_chunk("a")), event(vllm_chunk({"content": "b"})) + event(vllm_chunk({"content": "c"}))]
    for chunk in chunks:
        assert reader.feed(chunk) is chunk
    assert reader.feed(event(USAGE)) == b""
    assert reader.feed(DONE) is DONE
    assert reader.answered.usage == KNOWN.usage


def test_a_chunk_in_which_nothing_has_to_go_is_given_back_as_the_same_object() -> None:
    chunk = event(vllm_chunk({"content": "a"}, usage=COUNTS)) + event(vllm_chunk({"content": "b"}))
    assert hiding().feed(chunk) is chunk


MANY_KINDS = b"".join(
    [
        b": welcome\n\n",
        event(sglang_chunk("a")),
        event(vllm_chunk({"content": "b"}, usage=COUNTS), name="chunk"),
        b"\n\n: ping\n\n",
        event({"choices": [], "prompt_filter_results": []}),
        event('{"choices":[],\n"usage":null}'),
        event({"choices": [], "note": '"completion_tokens"'}),
        VLLM,
    ]
)
HIDDEN = [
    event(USAGE),
    event(
        '{"choices": [],\n"usage":\n{"prompt_tokens": 1843, "completion_tokens": 23,\n'
        '"prompt_tokens_details":{"cached_tokens":1824}}}'
    ),
    b": a comment\nid: 5\n" + event(USAGE | {"timing": {"queued_s": 0.1}}),
]


@settings(max_examples=300)
@given(
    st.data(), st.sampled_from(HIDDEN), st.sampled_from(ENDS), st.sampled_from([DONE, b"", b"data: cut off", b"data: cut off\n"])
)
def test_it_is_taken_out_however_the_stream_is_cut_and_nothing_else_is(data: Any, usage: bytes, end: str, rest: bytes) -> None:
    stream = with_ends(MANY_KINDS + usage + rest, end)
    reader = hiding()
    assert given_back(reader, data.draw(cuts(stream))) == with_ends(MANY_KINDS + rest, end)
    assert reader.answered == KNOWN


@settings(max_examples=200)
@given(st.data(), st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"data: x", event(USAGE)[:-2]]), max_size=12))
def test_with_any_mixture_of_line_ends_the_cuts_change_nothing(data: Any, parts: list[bytes]) -> None:
    stream = b"".join(parts)
    assert given_back(hiding(), data.draw(cuts(stream))) == given_back(hiding(), [stream])


def test_an_event_that_is_not_complete_is_held_back_until_it_is() -> None:
    reader = hiding()
    first, second = event(vllm_chunk({"content": "a"})), event(vllm_chunk({"content": "b"}))
    assert reader.feed(first + second[:30]) == first
    assert reader.feed(second[30:-1]) == b""
    assert reader.feed(second[-1:]) == second


def test_a_line_feed_after_a_carriage_return_goes_the_way_of_its_event() -> None:
    reader = hiding()
    assert reader.feed(b"data: a\r\n\r") == b"data: a\r\n\r"
    assert reader.feed(b"\n") == b"\n"
    usage = with_ends(event(USAGE), "\r\n")
    assert reader.feed(usage[:-1]) == b""
    assert reader.feed(usage[-1:] + b"data: b\n\n") == b"data: b\n\n"


def test_a_usage_event_without_an_end_does_not_reach_the_client_either() -> None:
    reader = hiding()
    assert reader.feed(event(USAGE)[:-2]) == b""
    assert reader.end() == b""
    assert reader.answered.usage == KNOWN.usage


def test_an_endless_event_is_passed_on_before_it_fills_the_memory() -> None:
    reader = hiding()
    chunk, given_bytes = b"x" * 50_000, 0
    for n in range(1, 101):
        given_bytes += len(reader.feed(chunk))
        assert n * len(chunk) - given_bytes <= HELD_BYTES + len(chunk)
    given_bytes += len(reader.end())
    assert given_bytes == 100 * len(chunk)


@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([b"\n\n", b"data: ", b'"usage":{', b'"function":{"name":"x"}']), max_size=12
    )
)
def test_garbage_passes_unchanged_and_says_nothing(chunks: list[bytes]) -> None:
    for reader in (passing(), hiding()):
        assert given_back(reader, chunks) == b"".join(chunks)
        assert reader.answered.usage is None
