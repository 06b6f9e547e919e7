"""The engine gets the client's bytes without our fields; what cannot be read is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.body import CHECKED_BYTES, BodyReader, RequestFields
from thunderagent.adapters.gateway.cutting import WINDOW
from thunderagent.adapters.gateway.prompt_sizes import Prompt
from thunderagent.core import PromptSize
from thunderagent.errors import RequestProblem


class OneMessage(RequestFields):
    messages: list[msgspec.Raw] = msgspec.field(default_factory=list)

    def prompt(self) -> Prompt:
        return Prompt(PromptSize(sum(map(len, self.messages)), 0))


READER = BodyReader(OneMessage, usage_on_request=True)
LONG = "x" * 3 * WINDOW


def read(body: str | bytes) -> Asked:
    return READER.read(body.encode() if isinstance(body, str) else body)


def refused(body: bytes) -> RequestProblem:
    with pytest.raises(RequestProblem) as caught:
        READER.read(body)
    assert caught.value.status == 400
    return caught.value


# What is cut out


def test_a_body_without_our_fields_is_forwarded_as_the_same_object() -> None:
    body = b'{"model":"m", "messages":["program_id"]}'
    asked = READER.read(body)
    assert asked.body is body
    assert asked.program_id is None


@pytest.mark.parametrize(
    ("body", "forwarded"),
    [
        ('{"model":"m","program_id":"p"}', '{"model":"m"}'),
        ('{"program_id":"p","model":"m"}', '{"model":"m"}'),
        ('{"program_id":"p"}', "{}"),
        ('{"a":1,"program_id":"p","b":2}', '{"a":1,"b":2}'),
        ('{ "a": 1 , "program_id" :\n "p" , "b": 2 }', '{ "a": 1  , "b": 2 }'),
        ('{\n  "program_id": "p",\n  "a": 1\n}\n', '{\n  \n  "a": 1\n}\n'),
        (f'{{"program_id":"p","a":"{LONG}"}}', f'{{"a":"{LONG}"}}'),
        (f'{{"a":"{LONG}","program_id":"p"}}', f'{{"a":"{LONG}"}}'),
    ],
)
def test_the_member_is_cut_with_one_comma_and_all_other_bytes_stay(body: str, forwarded: str) -> None:
    asked = read(body)
    assert asked.program_id == "p"
    assert asked.body == forwarded.encode()


def test_a_member_far_from_both_ends_is_cut_too() -> None:
    asked = read(f'{{"a": "{LONG}", "program_id": "p", "b": "\\u00e9{LONG}"}}')
    assert asked.program_id == "p"
    assert asked.body == f'{{"a":"{LONG}","b":"\\u00e9{LONG}"}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        '{"messages":[{"program_id":"inner"}],"program_id":"p"}',
        '{"program_id":"p","metadata":{"program_id":"inner"}}',
        '{"program_id":"p","messages":["\\"program_id\\":\\"inner\\""]}',
        '{"program_id":"p","messages":["\\\\\\"program_id\\":\\"inner\\""],"name":"program_id"}',
        '{"program\\u005fid":"p","x":{"program_id":"inner"}}',
        '{"program_id":"first","a":1,"program_id":"p"}',
        '{"program_id":"p","a":1,"program\\u005fid":"p"}',
        '{"program_id":"\\u0070"}',
        '{"x":[{"program_id":"inner"},{}],"program_id":"p"}',
        '{"program_id":"p","x\\"program_id":"other"}',
        '{"x\\"program_id":"other","program\\u005fid":"p"}',
        "{" + " " * 3 * WINDOW + '"program_id":"p","a":1}',
    ],
)
def test_only_the_top_level_member_is_cut_however_it_is_written(body: str) -> None:
    asked = read(body)
    assert asked.program_id == "p"
    wanted = json.loads(body)
    del wanted["program_id"]
    assert json.loads(asked.body) == wanted


def test_an_id_in_extra_body_is_taken_and_its_other_members_stay() -> None:
    asked = read('{"model":"m","extra_body":{"top_k": 5, "program_id":"p"}}')
    assert asked.program_id == "p"
    assert json.loads(asked.body) == {"model": "m", "extra_body": {"top_k": 5}}


def test_of_two_ids_the_outer_one_counts_and_neither_reaches_the_engine() -> None:
    asked = read('{"extra_body":{"program_id":"inner"},"program_id":"outer"}')
    assert asked.program_id == "outer"
    assert json.loads(asked.body) == {"extra_body": {}}


def test_extra_body_without_an_id_is_left_alone() -> None:
    body = b'{"extra_body": {"top_k": 5}, "a": "program_id"}'
    assert READER.read(body).body is body
    for other in (b'{"extra_body": null}', b'{"extra_body": [1]}', b'{"extra_body": "program_id"}'):
        assert READER.read(other).body is other


# Usage of streams


def test_a_stream_is_asked_for_its_usage_which_the_client_does_not_see() -> None:
    asked = read('{"stream":true,"program_id":"p"}')
    assert asked.body == b'{"stream_options":{"include_usage":true},"stream":true}'
    assert asked.stream
    assert asked.hide_usage


def test_the_first_member_is_cut_and_the_wish_put_in_its_place() -> None:
    assert read(' {"program_id":"p","stream":true}').body == b' {"stream_options":{"include_usage":true},"stream":true}'


def test_a_client_that_asks_for_the_usage_itself_gets_it() -> None:
    body = b'{"stream":true,"stream_options":{"include_usage": true}}'
    asked = READER.read(body)
    assert asked.body is body
    assert asked.stream
    assert not asked.hide_usage


@pytest.mark.parametrize("options", ["null", "{}", '{"include_usage":false}', '{"include_usage":null}'])
def test_other_options_of_the_client_are_kept(options: str) -> None:
    asked = read(f'{{"stream":true,"stream_options":{options},"program_id":"p"}}')
    assert json.loads(asked.body) == {"stream": True, "stream_options": {"include_usage": True}}
    assert asked.hide_usage
    kept = read('{"stream":true,"stream_options":{"continuous_usage_stats":true}}')
    assert json.loads(kept.body)["stream_options"] == {"continuous_usage_stats": True, "include_usage": True}


@pytest.mark.parametrize("options", ["[]", "7", '"x"', '{"include_usage":"yes"}', '{"include_usage":1}'])
def test_wrong_options_are_for_the_engine_to_refuse(options: str) -> None:
    body = f'{{"stream":true,"stream_options":{options}}}'.encode()
    asked = READER.read(body)
    assert asked.body is body
    assert not asked.hide_usage


def test_nothing_is_asked_of_answers_that_are_no_stream_or_tell_their_usage_anyhow() -> None:
    plain, stream = b'{"stream":false}', b'{"stream":true}'
    assert READER.read(plain).body is plain
    assert BodyReader(OneMessage).read(stream).body is stream


# What is refused


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b'{"a":}', b'{"a":NaN}', b"NaN", b"{}x", b'{"a":"\xff"}', b"\xff", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body).reason == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert refused(body).reason == "invalid_body"


def test_deep_nesting_is_refused() -> None:
    for deep in (
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"program_id":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    ):
        assert refused(deep).reason == "invalid_json"


@pytest.mark.parametrize("value", ['""', "7", "null", "[]", '{"a":1}', '"a\\nb"', '"\\u202e"', f'"{LONG}"', "true"])
def test_an_unusable_program_id_is_refused_wherever_it_stands(value: str) -> None:
    for body in (
        f'{{"program_id":{value}}}',
        f'{{"extra_body":{{"program_id":{value}}}}}',
        f'{{"messages":3,"program_id":{value}}}',
    ):
        problem = refused(body.encode())
        assert (problem.reason, problem.param) == ("invalid_program_id", "program_id")


def test_half_a_surrogate_pair_is_refused_in_an_id() -> None:
    assert refused(b'{"program_id":"\\ud800"}').reason == "invalid_json"


def test_messages_never_contain_what_was_sent() -> None:
    for body in (b'{"a":secret}', b'{"secret', b'{"program_id":"secret\\n"}', b'["secret"]', b'{"a":"secret\xff"}'):
        assert "secret" not in str(refused(body))


def test_bytes_that_are_not_utf8_in_a_long_prompt_are_left_to_the_engine() -> None:
    body = b'{"messages":["' + b"x" * CHECKED_BYTES + b'\xff"],"program_id":"p"}'
    assert READER.read(body).body == body.replace(b',"program_id":"p"', b"")


def test_bytes_that_are_not_utf8_in_names_are_refused_where_they_have_to_be_read() -> None:
    long = b'"a":"' + b"x" * CHECKED_BYTES + b'"'
    assert refused(b"{" + long + b',"extra_body":{"\xff":1}}').reason == "invalid_json"
    assert refused(b"{" + long + b',"program_id":"\xff"}').reason == "invalid_program_id"


# What does not fit


def test_a_request_of_an_unknown_shape_is_forwarded_and_its_bytes_count_as_text() -> None:
    body = b'{"messages":"hello","stream":true,"program_id":"p"}'
    asked = READER.read(body)
    assert asked.program_id == "p"
    assert asked.stream
    assert json.loads(asked.body) == {"messages": "hello", "stream": True, "stream_options": {"include_usage": True}}
    assert asked.prompt == PromptSize(len(asked.body), 0)


# Any body at all

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["program_id", "a", "é"]), inner, max_size=3),
    max_leaves=8,
)
ids = st.sampled_from(["p", "train/5_0", "é→", 'a"b', "back\\slash"])
options = st.none() | st.dictionaries(st.sampled_from(["include_usage", "x"]), st.booleans(), max_size=2)
extras = st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2) | st.fixed_dictionaries(
    {"a": values, "program_id": ids}
)
member = st.one_of(
    st.tuples(st.just("program_id"), ids),
    st.tuples(st.just("extra_body"), extras | values.filter(lambda value: not isinstance(value, dict))),
    st.tuples(st.just("stream"), st.booleans()),
    st.tuples(st.just("stream_options"), options),
    st.tuples(st.just("messages"), st.lists(values, max_size=3) | values),
    st.tuples(st.text(max_size=4), values),
)
spaces = st.sampled_from(["", "", " ", "\n", "\t \r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A JSON object with duplicate keys, white space and escapes where nobody writes them."""

    def space() -> str:
        return draw(spaces)

    def string(key: str) -> str:
        plain = json.dumps(key, ensure_ascii=draw(st.booleans()))
        if key and ord(key[0]) < 128 and draw(st.integers(0, 9)) == 0:
            plain = f'"\\u{ord(key[0]):04x}{json.dumps(key[1:])[1:]}'
        return plain

    parts = []
    for key, value in draw(st.lists(member, max_size=7)):
        written = json.dumps(value, ensure_ascii=draw(st.booleans()))
        parts.append(f"{space()}{string(key)}{space()}:{space()}{written}{space()}")
    return f"{space()}{{{','.join(parts) or space()}}}{space()}"


def expected(body: Any) -> tuple[Any, str | None, bool]:
    """What is to reach the engine, the id, and whether a usage was asked for, by what ``json.loads`` makes of a body."""
    wanted = dict(body)
    program_id = wanted.pop("program_id", None)
    if isinstance(extra := wanted.get("extra_body"), dict) and "program_id" in extra:
        program_id = program_id or extra["program_id"]
        wanted["extra_body"] = {key: value for key, value in extra.items() if key != "program_id"}
    asks = wanted.get("stream") is True and not (wanted.get("stream_options") or {}).get("include_usage")
    if asks:
        wanted["stream_options"] = (wanted.get("stream_options") or {}) | {"include_usage": True}
    return wanted, program_id, asks


@settings(max_examples=600)
@given(bodies())
@example('{"program_id":"p","program_id":"q","stream":true}')
@example('{"stream":true,"stream_options":null,"stream_option\\u0073":{"x":true}}')
def test_the_engine_gets_what_json_makes_of_the_body_less_our_fields(body: str) -> None:
    asked = READER.read(body.encode())
    wanted, program_id, asks = expected(json.loads(body))
    assert json.loads(asked.body) == wanted
    assert asked.program_id == program_id
    assert asked.hide_usage == asks
    if wanted == json.loads(body):
        assert asked.body == body.encode()


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\ program_id1', max_size=40).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        asked = READER.read(body)
    except RequestProblem as problem:
        assert problem.status == 400
    else:
        json.loads(asked.body)
