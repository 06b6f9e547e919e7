"""docs/reference/http_api.md: the gateway's own ``/openapi.json``, to read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from scripts.pages import docstrings
from scripts.pages.markdown import code, plain, sentence, table
from scripts.pages.reasons import reasons
from scripts.pages.schemas import fields_of, named_in, type_of
from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.controls import CONTROLS
from thunderagent.adapters.gateway.manage import app, openapi, slime_router
from thunderagent.adapters.gateway.manage.endpoint import Endpoint

Json = dict[str, Any]
GROUPS = {
    "Health": ("health",),
    "The end of a program": ("release",),
    "Sandboxes": ("tools",),
    "Programs": ("programs", "live", "dashboard"),
    "Profiles": ("profiles",),
    "Metrics": ("prometheus", "backends"),
    "Engines": ("workers",),
    "Weight syncs": ("weight_sync",),
    "This description": ("openapi",),
}
"""Titles, and the modules of ``manage`` whose endpoints they have."""
KEYS = {
    Need.NOTHING: "none",
    Need.USE: "an API key or an admin key, where there are API keys",
    Need.READ: "an admin key where there are some, else an API key where there are some",
    Need.CONTROL: "an admin key where there are some, else an API key where there are some",
    Need.CHANGE: "an API key or an admin key, where there are any keys",
    Need.ADMIN: "an admin key, always: without one nobody may",
}
ELSEWHERE = {"StepProfile": "the columns of [a step](../observability.md#columns-of-a-step)"}
"""Objects that another page tells of."""
OTHER_PROBLEMS = {
    404: "There is no such endpoint, engine, program or sandbox.",
    405: "The endpoint takes another method.",
    408: "The request was not complete in time.",
    422: "There can be no such sandbox.",
    431: "The head of the request is too long.",
    500: "The gateway failed; its log says why.",
}
"""Those that no endpoint tells of, or each in its own words."""
MANAGE = "thunderagent.adapters.gateway.manage."


def lines() -> list[str]:
    """Turns, management by what it is about, what acts on engines, errors, then the objects of answers."""
    document, slime = openapi.document(app.ENDPOINTS), openapi.document(slime_router.ENDPOINTS, {})
    text = _turns(document)
    for title, modules in GROUPS.items():
        text += [f"## {title}", "", *_operations(document, (e for e in app.ENDPOINTS if _module(e) in modules))]
    text += _controls(document)
    text += ["## In the place of slime's router", "", "With `--router-for slime`, instead of `/workers` above.", ""]
    text += [*_operations(slime, slime_router.ENDPOINTS), *_errors(), *_objects(document, slime)]
    return text


def ungrouped() -> set[str]:
    """Modules that have endpoints and no title."""
    return {_module(endpoint) for endpoint in app.ENDPOINTS} - {module for modules in GROUPS.values() for module in modules}


def _module(endpoint: Endpoint) -> str:
    return endpoint.handler.__module__.removeprefix(MANAGE)


def _turns(document: Json) -> list[str]:
    operation = document["paths"][next(iter(openapi.SCHEDULED))]["post"]
    rows = ((code(f"POST {path}"), summary) for path, summary in openapi.SCHEDULED.items())
    return ["## Turns", "", *table(("endpoint", ""), rows), *_operation(operation, Need.USE, {})]


def _controls(document: Json) -> list[str]:
    rows = ((code(f"POST {path}"), "has to be named" if one.for_one else "") for path, one in CONTROLS.items())
    operation = document["paths"][next(path for path, control in CONTROLS.items() if not control.for_one)]["post"]
    text = ["## Acting on engines", "", *_operation(operation, Need.CONTROL, {})]
    text += ["What each does to KV caches and turns: [Serving](../serving.md#acting-on-engines).", ""]
    return [*text, *table(("endpoint", "where there are several engines, the one that is meant"), rows)]


def _operations(document: Json, endpoints: Iterable[Endpoint]) -> Iterator[str]:
    for endpoint in endpoints:
        path = openapi.shown_path(endpoint.path)
        operation = document["paths"][path][endpoint.method.lower()]
        yield from (f"### `{endpoint.method} {path}`", "", f"**{sentence(operation['summary'])}**")
        yield from _operation(operation, endpoint.need, document["components"]["schemas"])


def _operation(operation: Json, need: Need, schemas: Json) -> list[str]:
    head = [sentence(operation["description"]), "", f"Key: {KEYS[need]}.", ""]
    return [*head, *_inputs(operation, schemas), *table(("status", "answer"), _answers(operation))]


def _inputs(operation: Json, schemas: Json) -> list[str]:
    rows = [
        (code(given["name"]), given["in"], type_of(given["schema"]), given.get("required"), given["description"])
        for given in operation["parameters"]
    ]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        name = schema.get("$ref", "").rpartition("/")[2]
        body = schemas[name] if name else schema
        needed = body.get("required", ())
        for field, kind, text in fields_of(body, _docstrings(name)):
            default = body["properties"][field].get("default")
            said = text if default is None else f"{text} Default: `{str(default).lower()}`."
            rows.append((code(field), "body", kind, field in needed, said.strip()))
    shown = ((name, f"{where}, required" if needed else where, kind, text) for name, where, kind, needed, text in rows)
    return table(("", "in", "type", ""), shown) if rows else []


def _answers(operation: Json) -> Iterator[tuple[str, str]]:
    """What is special, then the errors that many have."""
    usual = []
    for status, answer in operation["responses"].items():
        ((media_type, content), *others) = answer["content"].items()
        said = answer["description"]
        if said == openapi.PROBLEM_TEXTS.get(int(status)):
            usual.append(status)
        elif "Error" in named_in(content):
            yield code(status), said
        else:
            kinds = [type_of(content["schema"]) if media_type == "application/json" else code(media_type)]
            kinds += [code(other) for other, _ in others]
            words = "" if said == HTTPStatus(int(status)).phrase else f": {plain(said)}"
            yield code(status), " or ".join(kinds) + words
    if usual:
        yield ", ".join(map(code, usual)), "[errors](#errors)"


def _errors() -> list[str]:
    head = [
        "## Errors",
        "",
        "What each means unless an endpoint says otherwise, and the reasons for machines. What to do about those of",
    ]
    head += ["turns: [Serving](../serving.md#errors).", ""]
    told = openapi.PROBLEM_TEXTS | OTHER_PROBLEMS
    rows = ((code(str(status)), told[status], ", ".join(map(code, codes))) for status, codes in reasons().items())
    return [*head, *table(("status", "", "`error.code`"), rows)]


def _objects(*documents: Json) -> list[str]:
    """What is named in answers, and in what is named there."""
    schemas = {name: schema for document in documents for name, schema in document["components"]["schemas"].items()}
    answers = [o["responses"] for document in documents for path in document["paths"].values() for o in path.values()]
    wanted, found = named_in(answers), set[str]()
    while wanted:
        found |= wanted
        wanted = {name for known in wanted for name in named_in(schemas[known])} - found
    text = ["## Objects", ""]
    for name in sorted(found):
        text += [f"### Object `{name}`", "", sentence(schemas[name].get("description", "")), ""]
        if name in ELSEWHERE:
            text[-2:] = [f"Its fields are {ELSEWHERE[name]}.", ""]
        else:
            rows = fields_of(schemas[name], _docstrings(name))
            text += table(("field", "type", ""), ((code(field), *others) for field, *others in rows))
    return text


def _docstrings(name: str) -> dict[str, str]:
    """Of the class of that name, for fields of which the document itself says nothing."""
    modules = [module for path, module in sys.modules.items() if path.startswith(MANAGE)]
    kind = next((vars(module)[name] for module in modules if isinstance(vars(module).get(name), type)), None)
    return docstrings.of_fields(kind) if kind is not None else {}
