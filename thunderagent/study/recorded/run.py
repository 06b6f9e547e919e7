"""A recorded run: its steps and sandboxes, read from the files that it left."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from thunderagent.errors import ProfileError
from thunderagent.study.recorded.lines import ProfileLines, SandboxLine, StepLine
from thunderagent.study.recorded.steps import Steps, gather

EXPECTED = (
    "expected is a profile of thunderagent (profile.jsonl): program_id, step_id, arrived_at, completed_at, prompt_tokens, ..."
)
FILES = ("profile.jsonl", "profile.jsonl.gz")
"""In the folder of a run."""
OLDER = "profile.1.jsonl"
"""What was written before, by the same run or an earlier one; nothing tells which."""


@dataclass(slots=True)
class Sandboxes:
    """Sums over all that programs wanted. Times in seconds."""

    used: int = 0
    reused: int = 0
    unused: int = 0
    prepare_s: float = 0.0
    waited_s: float = 0.0
    hidden_s: float = 0.0

    def add(self, one: SandboxLine) -> None:
        """One more."""
        self.used += one.outcome == "used"
        self.reused += one.reused and one.outcome == "used"
        self.unused += one.outcome == "unused"
        self.prepare_s += one.prepare_s
        self.waited_s += one.waited_s
        self.hidden_s += one.hidden_s


@dataclass(frozen=True, slots=True)
class Run:
    """All that a report is made of."""

    name: str
    path: Path
    steps: Steps
    sandboxes: Sandboxes | None = None
    notes: list[str] = field(default_factory=list)
    """What was wrong with its files."""


def find_profile(path: Path) -> Path | None:
    """The profile in a folder, or the file itself; None: the folder has none.

    Raises:
        ProfileError: there is nothing of this name.
    """
    if not path.exists():
        raise ProfileError(f"{path} cannot be read: there is no such file or folder")
    if not path.is_dir():
        return path
    return next((path / name for name in FILES if (path / name).is_file()), None)


def read_run(path: Path, name: str, progress: Callable[[int], None] = lambda _: None) -> Run:
    """Of one profile; ``sandboxes.jsonl`` beside it is read, too. ``progress`` is told the bytes of the profile that are read.

    Raises:
        ProfileError: it cannot be read, holds no step, or was written by a newer release.
    """
    lines = ProfileLines(path, StepLine, progress)
    steps = gather(lines)
    if steps is None:
        raise ProfileError(f"{path} holds no step; {lines.problem or 'it is empty'}; {EXPECTED}")
    sandboxes, notes = _sandboxes(path)
    if path.name == FILES[0] and path.with_name(OLDER).is_file():
        notes.append(f"{OLDER} beside it has older steps, which are not in here; put the files together to see them")
    return Run(name, path, steps, sandboxes, [*lines.told(), *notes])


def run_names(paths: list[Path]) -> list[str]:
    """What runs are called: their mode where a recipe has written it beside, else the parts of their paths that differ."""
    for names in ([_mode(path) for path in paths], *([_part(path, up) for path in paths] for up in range(3))):
        if all(names) and len(set(names)) == len(names):
            return names
    return (
        [str(path) for path in paths]
        if len(set(paths)) == len(paths)
        else [f"{paths[0].name} {n + 1}" for n in range(len(paths))]
    )


def _mode(path: Path) -> str:
    try:
        return str(json.loads((path.parent / "summary.json").read_text(encoding="utf-8"))["mode"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _part(path: Path, up: int) -> str:
    """The file's own name tells nothing where it is the usual one."""
    parts = [part for part in path.absolute().parts[1:] if part not in FILES]
    return "/".join(parts[-1 - up :]).removesuffix(".gz").removesuffix(".jsonl")


def _sandboxes(profile: Path) -> tuple[Sandboxes | None, list[str]]:
    path = next((p for name in ("sandboxes.jsonl", "sandboxes.jsonl.gz") if (p := profile.with_name(name)).is_file()), None)
    if path is None or path == profile:
        return None, []
    found, lines = Sandboxes(), ProfileLines(path, SandboxLine)
    try:
        for chunk in lines:
            for line in chunk:
                found.add(line)
    except ProfileError as error:  # the report of the steps is worth having without it
        return None, [str(error)]
    return (found if found.used or found.unused or found.prepare_s else None), lines.told()
