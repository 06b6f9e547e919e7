"""What is known of a turn, as spans: the attributes are those of OpenTelemetry's conventions, without anything of its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from thunderagent.runtime import StepProfile

CHATS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
"""Endpoints of conversations; the others complete text."""
NS = 1_000_000_000
Attributes = dict[str, str | int | float | bool]


class Part(NamedTuple):
    """A span below the turn's; Unix time."""

    name: str
    begins_ns: int
    ends_ns: int


def operation_of(endpoint: str) -> str:
    """In the words of the conventions."""
    return "chat" if endpoint in CHATS else "text_completion"


def model_of(raw: bytes) -> str | None:
    """From JSON; None: no usable name."""
    try:
        model = json.loads(raw)
    except ValueError:  # empty, or not UTF-8
        return None
    return model if isinstance(model, str) and model else None


def attributes_of_request(endpoint: str, status: int, reason: str | None) -> Attributes:
    """Of the HTTP side."""
    attributes: Attributes = {
        "gen_ai.operation.name": operation_of(endpoint),
        "gen_ai.provider.name": "thunderagent",
        "http.request.method": "POST",
        "http.route": endpoint,
    }
    if status:
        attributes["http.response.status_code"] = status
    error = reason or ("client_left" if not status else str(status) if status >= 400 else None)
    if error is not None:
        attributes["error.type"] = error
    return attributes


def attributes_of_step(step: StepProfile) -> Attributes:
    """Of the turn itself; what is not known is left out."""
    engine = urlsplit(step.backend)
    told: dict[str, Any] = {
        "gen_ai.conversation.id": step.program_id,
        "gen_ai.usage.input_tokens": step.prompt_tokens,
        "gen_ai.usage.output_tokens": step.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": step.cached_tokens,
        "server.address": engine.hostname,
        "server.port": engine.port,
        "thunderagent.backend": step.backend,
        "thunderagent.group": step.group or None,
        "thunderagent.phase": step.phase or None,
        "thunderagent.step": step.step_id or None,  # 0: the scheduler, which counts them, is another process
        "thunderagent.outcome": step.outcome,
        "thunderagent.reprefilled_tokens": step.reprefilled_tokens,
        "thunderagent.tool_call_s": step.tool_call_s if step.step_id > 1 else None,
    }
    if step.outcome != "completed":  # nobody knows how many there were
        del told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]
    elif step.prefill_s is not None:
        told["gen_ai.response.time_to_first_chunk"] = step.pause_s + (step.queue_s or 0.0) + step.prefill_s
    return {name: value for name, value in told.items() if value is not None}


def parts_of(step: StepProfile) -> Iterator[Part]:
    """Where its time went. Waits are laid at its beginning and the engine's times at its end: between them are failed tries."""
    begins_ns, ends_ns = round(step.arrived_at * NS), round(step.completed_at * NS)
    if step.pause_s > 0:
        yield Part("wait", begins_ns, begins_ns + round(step.pause_s * NS))
    told = (
        ("queue", step.queue_s),
        ("prefill", step.prefill_s),
        ("engine" if step.prefill_s is None else "decode", step.decode_s),
    )
    at_ns = ends_ns - round(sum(took_s or 0.0 for _, took_s in told) * NS)
    for name, took_s in told:
        if took_s is not None:
            yield Part(name, at_ns, at_ns + round(took_s * NS))
            at_ns += round(took_s * NS)
