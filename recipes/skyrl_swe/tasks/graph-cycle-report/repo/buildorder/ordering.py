"""Orders in which targets can be built."""
from .cycles import find_cycle


class CycleError(ValueError):
    """There is no order because targets depend on themselves."""

    def __init__(self, cycle):
        super().__init__("dependency cycle: " + " -> ".join(cycle))
        self.cycle = cycle


def build_stages(graph):
    """Return lists of targets; each list only depends on the lists before it."""
    dependents = graph.dependents()
    missing = {target: len(graph.dependencies(target)) for target in graph}
    rank = {target: position for position, target in enumerate(graph)}
    stage = [target for target in graph if not missing[target]]
    stages = []
    while stage:
        stages.append(stage)
        following = []
        for target in stage:
            for dependent in dependents[target]:
                missing[dependent] -= 1
                if not missing[dependent]:
                    following.append(dependent)
        stage = sorted(following, key=rank.__getitem__)
    if sum(map(len, stages)) < len(graph):
        raise CycleError(find_cycle(graph))
    return stages


def build_order(graph, *targets):
    """Return all targets in the order of their stages.

    If targets are given, only these and what they depend on are included.
    """
    if targets:
        graph = graph.needed_for(*targets)
    return [target for stage in build_stages(graph) for target in stage]
