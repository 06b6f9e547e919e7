"""``GET /openapi.json``: management, made of the endpoints themselves; in outline, turns and what acts on engines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thunderagent import __version__
from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.controls import CONTROLS, Control
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed

SCHEDULED = {
    "/v1/chat/completions": "Chat completion (OpenAI)",
    "/v1/completions": "Completion (OpenAI)",
    "/v1/responses": "Response (OpenAI)",
    "/v1/messages": "Message (Anthropic)",
    "/generate": "Generation (SGLang)",
    "/inference/v1/generate": "Generation from tokens (vLLM)",
    "/skyrl/v1/generate": "Generation from tokens (SkyRL)",
}
"""Endpoints whose requests are turns of programs. Their bodies are the engines' matter."""

PROGRAM_HEADERS = ("X-Program-ID", "X-Session-ID", "X-SMG-Routing-Key")

EVENT = {"type": "object", "properties": {"data": {"type": "string", "contentMediaType": "application/json"}}}
"""Each of a stream."""

PROBLEM_TEXTS = {
    400: "The request is not usable.",
    401: "A key is missing or wrong.",
    403: "An admin key is needed.",
    409: "The program was released meanwhile.",
    413: "The body is too long.",
    415: "The body is compressed.",
    429: "Too many turns wait already.",
    502: "The engine failed, and so did the tries elsewhere.",
    503: "No engine can take it now.",
    504: "It took too long.",
}
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]


class ErrorBody(msgspec.Struct):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None
    """For machines."""


class Error(msgspec.Struct):
    """OpenAI's shape of errors."""

    error: ErrorBody


def document(endpoints: Iterable[Endpoint], scheduled: Mapping[str, str] = SCHEDULED) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these endpoints."""
    endpoints = tuple(endpoints)
    types = [Error, *(kind for endpoint in endpoints for kind in _types(endpoint))]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(shown_path(endpoint.path), {})
        operations[endpoint.method.lower()] = _operation(endpoint, schema_of)
    for path, summary in scheduled.items():
        paths[path] = {"post": _scheduled(path, summary)}
    for path, control in CONTROLS.items():
        paths[path] = {"post": _control(path, control)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "thunderagent", "version": __version__, "description": "A program-aware gateway for LLM agents."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


async def openapi(gateway: Managed, request: Request) -> Response:
    """The same for everybody."""
    return as_json(request.app.state.document)


def _types(endpoint: Endpoint) -> Iterator[Any]:
    yield from (kind for kind in endpoint.answers.values() if not _media_type(kind))
    if endpoint.body is not None:
        yield endpoint.body


def _operation(endpoint: Endpoint, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    problems: dict[int, str] = {}
    if endpoint.parameters or endpoint.body is not None:
        problems[400] = PROBLEM_TEXTS[400]
    if endpoint.need is Need.ADMIN:
        problems[403] = PROBLEM_TEXTS[403]
    elif endpoint.need is not Need.NOTHING:
        problems[401] = PROBLEM_TEXTS[401]
    if endpoint.body is not None:
        problems[413] = PROBLEM_TEXTS[413]
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^a-z]+', '_', shown_path(endpoint.path))}".rstrip("_"),
        "summary": endpoint.summary,
        "description": endpoint.handler.__doc__,
        "parameters": [_parameter(parameter, endpoint.path) for parameter in endpoint.parameters],
        "responses": {
            **{str(status): _answer(status, kind, schema_of) for status, kind in endpoint.answers.items()},
            **{str(status): _problem(text) for status, text in {**problems, **endpoint.problems}.items()},
        },
        "security": [] if endpoint.need is Need.NOTHING else _security(endpoint.need),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(endpoint.body)),
            "content": {"application/json": {"schema": schema_of[repr(endpoint.body)]}},
        }
    return operation


def shown_path(path: str) -> str:
    """Without Starlette's converters."""
    return re.sub(r":\w+}", "}", path)


def _security(need: Need) -> list[dict[str, list[str]]]:
    """Keys are needed only where some are configured, except for what needs an admin key."""
    return _SECURITY if need is Need.ADMIN else [{}, *_SECURITY]


def _parameter(parameter: Parameter, path: str) -> dict[str, Any]:
    where = "path" if f"{{{parameter.name}}}" in shown_path(path) else "query"
    described = {"name": parameter.name, "in": where, "description": parameter.description, "schema": dict(parameter.schema)}
    return {**described, "required": True} if parameter.required else described


def _answer(status: int, kind: Any, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    media_type = _media_type(kind)
    schema = schema_of[repr(kind)] if media_type is None else EVENT if media_type == "text/event-stream" else {"type": "string"}
    return {"description": HTTPStatus(status).phrase, "content": {media_type or "application/json": {"schema": schema}}}


def _media_type(kind: Any) -> str | None:
    """Of text; None: it is JSON."""
    return "text/plain" if kind is str else kind if isinstance(kind, str) else None


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _scheduled(path: str, summary: str) -> dict[str, Any]:
    program_id = {"type": "string", "description": "The agent run that this turn belongs to."}
    described = "Running containers that are the program's from now on, and are removed with it (--tools docker)."
    docker_ids = {"type": ["array", "null"], "items": {"type": "string"}, "description": described}
    own = {"program_id": program_id, "docker_ids": docker_ids}
    anything = {"type": "object", "additionalProperties": True}
    return {
        "operationId": "post" + re.sub(r"[^a-z0-9]+", "_", path),
        "summary": summary,
        "description": "A turn of a program: held back until its KV cache fits, then passed on, streamed or not.",
        "parameters": [
            {"name": name, "in": "header", "description": program_id["description"], "schema": {"type": "string"}}
            for name in PROGRAM_HEADERS
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {**anything, "properties": own}}},
        },
        "responses": {
            "200": {
                "description": "The engine's answer.",
                "content": {"application/json": {"schema": anything}, "text/event-stream": {"schema": {"type": "string"}}},
            },
            **{str(status): _problem(PROBLEM_TEXTS[status]) for status in (400, 401, 409, 413, 415, 429, 502, 503, 504)},
        },
        "security": [{}, *_SECURITY],
    }


def _control(path: str, control: Control) -> dict[str, Any]:
    whom = "The engine that is meant" + (
        "; required where there are several." if control.for_one else "; all, if it is left out."
    )
    anything = {"description": "The engine's answer, or one of each engine.", "content": {"application/json": {"schema": {}}}}
    return {
        "operationId": "control" + re.sub(r"[^a-z0-9]+", "_", path),
        "summary": "Acts on engines (vLLM, SGLang)",
        "description": "Passed on; query and body are the engines' matter. The scheduler learns what becomes of KV and turns.",
        "parameters": [{"name": "X-Thunder-Backend", "in": "header", "description": whom, "schema": {"type": "string"}}],
        "responses": {
            "200": anything,
            **{str(status): _problem(PROBLEM_TEXTS[status]) for status in (400, 401, 503)},
            "502": {**anything, "description": "Not all engines did it; the answer tells which."},
        },
        "security": _security(Need.CONTROL),
    }


ENDPOINTS = (Endpoint("GET", "/openapi.json", Need.NOTHING, openapi, "This document", {200: dict[str, Any]}),)
