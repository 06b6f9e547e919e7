"""JSON schemas, to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.pages.markdown import code, plain


def fields_of(schema: Mapping[str, Any], docstrings: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning."""
    for name, of in schema["properties"].items():
        yield name, type_of(of), plain(of.get("description") or docstrings.get(name, ""))


def type_of(schema: Mapping[str, Any]) -> str:
    """In words; an object of the page as a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#object-{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(code("null" if value is None else str(value)) for value in schema["enum"])
    kind = schema.get("type", "any")
    match kind:
        case list():
            return " or ".join(type_of({**schema, "type": one}) for one in kind)
        case "array":
            return f"list of {type_of(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"mapping of {type_of(schema['additionalProperties'])}"
    return code(str(kind))


def named_in(part: Any) -> set[str]:
    """The schemas that it refers to."""
    if isinstance(part, Mapping):
        own = {part["$ref"].rpartition("/")[2]} if "$ref" in part else set()
        return own.union(*map(named_in, part.values()))
    return set[str]().union(*map(named_in, part)) if isinstance(part, list) else set()
