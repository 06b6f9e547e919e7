"""Find out in which order targets have to be built."""
from .cycles import find_cycle
from .graph import Graph
from .ordering import CycleError, build_order, build_stages
from .parsing import ParseError, parse_graph

__all__ = [
    "CycleError", "Graph", "ParseError", "build_order", "build_stages",
    "find_cycle", "parse_graph",
]
