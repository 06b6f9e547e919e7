"""The stack of scopes that a template is rendered with."""

from contextlib import contextmanager


class Context:
    """Names and values, innermost scope last."""

    def __init__(self, values):
        self._scopes = [dict(values)]

    @contextmanager
    def scope(self):
        """Open a scope for the duration of a with block."""
        self._scopes.append({})
        try:
            yield self
        finally:
            self._scopes.pop()

    def declare(self, name, value):
        """Create or replace a name in the innermost scope."""
        self._scopes[-1][name] = value

    def assign(self, name, value):
        """Change a name where it is known, or create it in the innermost scope."""
        for scope in reversed(self._scopes):
            if name in scope:
                scope[name] = value
                return
        self.declare(name, value)

    def lookup(self, path):
        """Resolve a dotted name; unknown parts give an empty value."""
        first, *rest = path.split(".")
        for scope in reversed(self._scopes):
            if first in scope:
                value = scope[first]
                break
        else:
            return ""
        for key in rest:
            if isinstance(value, dict):
                value = value.get(key, "")
            else:
                value = getattr(value, key, "")
        return value
