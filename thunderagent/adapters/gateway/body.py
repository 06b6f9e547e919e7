"""A request's body is read in one pass, which keeps what the scheduler needs, and is forwarded as the client's own bytes.

The way for nearly every request: a typed pass gives the fields, strings of the prompt stay views of the body, and our field is
cut out of the bytes where it stands. What does not fit (a field written in escapes, or far from both ends; options of a stream to
be extended; messages that are no list) takes a second pass, in which the body is taken apart and joined again.
"""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.cutting import NO_CUT, edited, find_member, is_written_once
from thunderagent.adapters.gateway.docker_ids import valid_docker_ids
from thunderagent.adapters.gateway.program_ids import valid_program_id
from thunderagent.adapters.gateway.prompt_sizes import Prompt
from thunderagent.adapters.gateway.raw_json import NOTHING, TRUE, UNREADABLE, is_object, joined, members
from thunderagent.core import PromptSize
from thunderagent.errors import RequestProblem

CHECKED_BYTES = 16 << 10
"""Longer bodies are not checked for UTF-8 in strings that are only carried: it can cost as much as all the rest, and the engine,
which decodes them, refuses them. Nor are they searched for more of our fields than the one that counts: engines ignore those."""

_NULL, _FALSE = msgspec.Raw(b"null"), msgspec.Raw(b"false")
_INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')


class RequestFields(msgspec.Struct):
    """What every API's request may have; subclasses add the fields of their prompts."""

    model: msgspec.Raw = NOTHING
    program_id: msgspec.Raw = NOTHING
    docker_ids: msgspec.Raw = NOTHING
    extra_body: msgspec.Raw = NOTHING
    stream: msgspec.Raw = NOTHING
    stream_options: msgspec.Raw = NOTHING
    priority: msgspec.Raw = NOTHING
    rid: msgspec.Raw = NOTHING
    routed_dp_rank: msgspec.Raw = NOTHING
    data_parallel_rank: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """What is to be answered."""
        return Prompt()


class BodyReader:
    """Reads the requests of one API."""

    def __init__(self, *kinds: type[RequestFields], usage_on_request: bool = False) -> None:
        """``kinds`` are tried in turn; ``usage_on_request``: a stream tells its usage only if ``stream_options`` asks for it."""
        self._decoders = [msgspec.json.Decoder(kind) for kind in kinds]
        self._usage_on_request = usage_on_request

    def read(self, body: bytes) -> Asked:
        """Read a request.

        Raises:
            RequestProblem: 400 ``invalid_json``, ``invalid_body`` (no JSON object) or ``invalid_program_id``.
        """
        try:
            return self._read(body)
        except UNREADABLE as error:
            raise _problem(body, error) from None

    def _read(self, body: bytes) -> Asked:
        if len(body) <= CHECKED_BYTES:
            body.decode()
        fields = self._typed(body)
        if fields is None:
            return self._taken_apart(body, None)
        stream = fields.stream == TRUE
        ask = stream and self._usage_on_request and _with_usage(fields.stream_options) is not None
        unusual = fields.extra_body is not NOTHING or fields.docker_ids is not NOTHING
        if unusual or (ask and fields.stream_options is not NOTHING):
            return self._taken_apart(body, fields)
        program_id, cut = None, NO_CUT
        if fields.program_id is not NOTHING:
            found = find_member(body) if len(body) > CHECKED_BYTES or is_written_once(body) else None
            if found is None:
                return self._taken_apart(body, fields)
            program_id, cut = valid_program_id(_decoded(fields.program_id)), found
        return _asked(edited(body, cut, ask), program_id, stream, ask, fields)

    def _typed(self, body: bytes) -> RequestFields | None:
        for decoder in self._decoders:
            try:
                return decoder.decode(body)
            except UNREADABLE:
                continue  # of another type, which the engine is to judge, or no JSON, which the second pass tells
        return None

    def _taken_apart(self, body: bytes, fields: RequestFields | None) -> Asked:
        parts = members(body)
        before = dict(parts)
        own = _take(parts, "program_id", "docker_ids")
        program_id = valid_program_id(_decoded(own["program_id"])) if "program_id" in own else None
        docker_ids = valid_docker_ids(_decoded(own["docker_ids"])) if "docker_ids" in own else ()
        stream = parts.get("stream") == TRUE
        ask = False
        if stream and self._usage_on_request:
            options = _with_usage(parts.get("stream_options", NOTHING))
            if options is not None:
                parts["stream_options"] = options
                ask = True
        forwarded = body if parts == before else joined(parts)
        if fields is not None:
            return _asked(forwarded, program_id, stream, ask, fields)._replace(docker_ids=docker_ids)
        own_rank = "routed_dp_rank" in parts or "data_parallel_rank" in parts
        members_of_client = {"own_priority": "priority" in parts, "own_rid": "rid" in parts, "own_rank": own_rank}
        size = PromptSize(len(forwarded), 0)
        model = bytes(parts.get("model", NOTHING))
        return Asked(forwarded, program_id, stream, ask, size, **members_of_client, docker_ids=docker_ids, model=model)


def _asked(body: bytes, program_id: str | None, stream: bool, hide_usage: bool, fields: RequestFields) -> Asked:
    return Asked(
        *(body, program_id, stream, hide_usage),
        *fields.prompt(),
        fields.priority is not NOTHING,
        fields.rid is not NOTHING,
        fields.routed_dp_rank is not NOTHING or fields.data_parallel_rank is not NOTHING,
        model=bytes(fields.model),
    )


def _take(parts: dict[str, msgspec.Raw], *names: str) -> dict[str, msgspec.Raw]:
    """Take our own fields out of a body's members and out of its ``extra_body``, where some clients leave them."""
    found = {name: parts.pop(name) for name in names if name in parts}
    extra = parts.get("extra_body", NOTHING)
    if is_object(extra):
        inner = members(extra)
        left = {name: inner.pop(name) for name in names if name in inner}
        if left:
            parts["extra_body"] = msgspec.Raw(joined(inner))
            found = left | found
    return found


def _decoded(raw: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return NOTHING  # which is of no usable type


def _with_usage(options: msgspec.Raw) -> msgspec.Raw | None:
    """A stream's options that ask for its usage; None: they do already, or they are wrong, which the engine is to say."""
    if options is NOTHING or options == _NULL:
        return _INCLUDE_USAGE
    if not is_object(options):
        return None
    parts = members(options)
    if parts.get("include_usage", NOTHING) not in (NOTHING, _FALSE, _NULL):
        return None
    parts["include_usage"] = TRUE
    return msgspec.Raw(joined(parts))


def _problem(body: bytes, error: Exception) -> RequestProblem:
    """What is wrong with a body, in words that do not contain it."""
    if isinstance(error, msgspec.ValidationError):
        return RequestProblem(400, "invalid_body", "the request body must be a JSON object")
    if isinstance(error, UnicodeDecodeError):
        what = "it is not UTF-8"
    elif isinstance(error, RecursionError):
        what = "it is nested too deeply"
    else:
        what = str(error) if body.strip() else "it is empty"  # msgspec names a position, never what is there
    return RequestProblem(400, "invalid_json", f"the request body must be JSON, without half a surrogate pair: {what}")
