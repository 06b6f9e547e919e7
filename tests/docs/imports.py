"""Who imports whom, among groups of packages."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import grimp

ROOTS = ("thunderagent", "recipes", "benchmarks", "examples")


@functools.cache
def graph() -> grimp.ImportGraph:
    """Of the whole project."""
    return grimp.build_graph(*ROOTS)


def imports_between(groups: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """Which group imports which, without what follows from others (a transitive reduction). A group is some packages."""
    group_of = {package: name for name, packages in groups.items() for package in packages}
    direct: dict[str, set[str]] = {name: set() for name in groups}
    for importer in graph().modules:
        for imported in graph().find_modules_directly_imported_by(importer):
            start, end = _group(importer, group_of), _group(imported, group_of)
            if start is not None and end is not None and start != end:
                direct[start].add(end)
    return {(start, end) for start, ends in direct.items() for end in ends if not _reaches(direct, ends - {end}, end)}


def _group(module: str, group_of: Mapping[str, str]) -> str | None:
    while module:
        if module in group_of:
            return group_of[module]
        module = module.rpartition(".")[0]
    return None


def _reaches(direct: Mapping[str, set[str]], starts: Iterable[str], goal: str) -> bool:
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            waiting += direct[here]
    return False
