"""Reading of build descriptions."""
import re

from .graph import Graph

_NAME = re.compile(r"[A-Za-z0-9._/-]+")


class ParseError(ValueError):
    """A line of a description that cannot be read."""


def parse_graph(text):
    """Return the graph that a text describes."""
    graph = Graph()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        target, colon, rest = line.partition(":")
        if not colon:
            raise ParseError(f"line {number}: there is no colon")
        names = [target.strip(), *rest.split()]
        for name in names:
            if _NAME.fullmatch(name) is None:
                raise ParseError(f"line {number}: bad name {name!r}")
        graph.add(*names)
    return graph


def format_graph(graph):
    """Return the text for a graph, one line for each target."""
    lines = []
    for target in graph:
        names = " ".join(graph.dependencies(target))
        lines.append(f"{target}: {names}".rstrip())
    return "\n".join(lines)
