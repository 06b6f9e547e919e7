"""Tables between marks in the documentation, which the readme_* scripts write from the files that benchmarks leave."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def put(path: Path, mark: str, lines: Iterable[str]) -> None:
    """Between ``<!-- mark: begin ... -->`` and ``<!-- mark: end -->``, instead of what is there."""
    path.write_text(replaced(path, mark, lines), encoding="utf-8")


def replaced(path: Path, mark: str, lines: Iterable[str]) -> str:
    """The text of the file with these lines between its marks."""
    begin, end = f"<!-- {mark}: begin", f"<!-- {mark}: end -->"
    head, found, rest = path.read_text(encoding="utf-8").partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"error: {path} has no marks of {mark}")
    first_line, _, rest = rest.partition("\n")
    body = "\n".join(lines)
    return f"{head}{begin}{first_line}\n{body}\n{end}{rest.partition(end)[2]}"


def measured(command: str, environment: Mapping[str, Any]) -> list[str]:
    """The end of a table: what made it, when and where. ``environment``: of the file that a benchmark left."""
    where = f"{environment['cpus']} cores ({environment['cpu']}), {environment['python']}"
    return ["", f"`{command}` on {environment['date'][:10]}: {where}."]


def table(figures: Mapping[str, Mapping[str, Any]], *, goals_only: bool = False) -> list[str]:
    """All figures of a benchmark with their goals, or those that have one."""
    lines = ["| figure | value | unit | goal | |", "|---|---:|---|---|---|"]
    for name, figure in figures.items():
        value, goal = figure["value"], figure["goal"]
        if goal or not goals_only:
            shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
            lines.append(f"| {name} | {shown} | {figure['unit']} | {goal or ''} | {_verdict(value, goal)} |")
    return lines


def readable(figures: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Under names for people; a figure that ``names`` does not have keeps its own, as words."""
    return {names.get(name, name.replace("_", " ")): figure for name, figure in figures.items()}


def _verdict(value: float, goal: str | None) -> str:
    if not goal:
        return ""
    relation, bound = goal.split()
    met = value >= float(bound) if relation == ">=" else value <= float(bound)
    return "met" if met else "**missed**"
