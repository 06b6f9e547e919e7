"""The public router."""
from dataclasses import dataclass, field
from typing import Any

from .pattern import build_path, parse_pattern, split_path
from .tree import RouteTree


class NotFound(LookupError):
    """No route fits the path."""


class MethodNotAllowed(LookupError):
    """The path exists, but not for this method."""

    def __init__(self, path, allowed):
        super().__init__(f"{path} allows {', '.join(allowed)}")
        self.allowed = allowed


@dataclass(frozen=True)
class Match:
    """The result of a look-up."""

    handler: Any
    params: dict = field(default_factory=dict)


class Router:
    """Maps methods and paths to handlers."""

    def __init__(self):
        self._tree = RouteTree()
        self._names = {}

    def add(self, method, pattern, handler, name=None):
        """Add a route. A route can be added once for each method."""
        segments = parse_pattern(pattern)
        node = self._tree.insert(segments)
        if method in node.handlers:
            raise ValueError(f"{method} {pattern} was added before")
        node.handlers[method] = handler
        if name is not None:
            self._names[name] = segments

    def match(self, method, path):
        """Return the handler and the parameters for a request."""
        found = self._tree.find(split_path(path))
        if found is None:
            raise NotFound(path)
        node, params = found
        if method not in node.handlers:
            raise MethodNotAllowed(path, sorted(node.handlers))
        return Match(node.handlers[method], params)

    def url_for(self, name, **values):
        """Return the path of a named route."""
        if name not in self._names:
            raise KeyError(f"no route is called {name!r}")
        return build_path(self._names[name], values)
