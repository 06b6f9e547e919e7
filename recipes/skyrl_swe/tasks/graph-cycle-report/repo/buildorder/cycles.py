"""Search for cycles.

A depth-first search with three colours: targets are white until the search gets
to them, grey while their dependencies are searched, and black afterwards. An edge
to a grey target closes a cycle.
"""

WHITE, GREY, BLACK = range(3)


def find_cycle(graph):
    """Return a cycle as a list that starts and ends with the same target, or None."""
    colours = dict.fromkeys(graph, WHITE)
    for target in graph:
        if colours[target] == WHITE:
            cycle = _visit(graph, target, colours, [])
            if cycle is not None:
                return cycle
    return None


def _visit(graph, target, colours, path):
    """Search below a target, and return the cycle that is found first."""
    colours[target] = GREY
    path.append(target)
    for dependency in graph.dependencies(target):
        if colours[dependency] == GREY:
            return path[path.index(dependency):] + [dependency]
        if colours[dependency] == WHITE:
            cycle = _visit(graph, dependency, colours, path)
            if cycle is not None:
                return cycle
    colours[target] = BLACK
    return None
