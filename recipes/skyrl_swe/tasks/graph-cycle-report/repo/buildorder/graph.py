"""Targets and their dependencies."""


class Graph:
    """A directed graph that remembers the order in which it was built."""

    def __init__(self):
        self._dependencies = {}

    def __contains__(self, target):
        return target in self._dependencies

    def __len__(self):
        return len(self._dependencies)

    def __iter__(self):
        return iter(self._dependencies)

    def add(self, target, *dependencies):
        """Add a target, or more dependencies to a target that is known."""
        known = self._dependencies.setdefault(target, {})
        for dependency in dependencies:
            self._dependencies.setdefault(dependency, {})
            known[dependency] = None

    def dependencies(self, target):
        """Return the direct dependencies of a target in the order they were added."""
        return list(self._dependencies[target])

    def dependents(self):
        """Return for each target the targets that depend directly on it."""
        result = {target: [] for target in self}
        for target, dependencies in self._dependencies.items():
            for dependency in dependencies:
                result[dependency].append(target)
        return result

    def needed_for(self, *targets):
        """Return the part of the graph that is needed to build some targets."""
        needed, pending = set(), list(targets)
        while pending:
            target = pending.pop()
            if target not in needed:
                needed.add(target)
                pending.extend(self._dependencies[target])
        part = Graph()
        for target in self:
            if target in needed:
                part.add(target, *self._dependencies[target])
        return part
