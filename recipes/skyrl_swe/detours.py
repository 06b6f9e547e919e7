"""What an agent does around the script it plays: it thinks aloud, reads the project first and looks over its work at the end.

Every sample of a prompt group does it differently, as samples of a model do, so that they share no more than their prompt. The
commands only read: they change neither the repository nor the reward.
"""

from __future__ import annotations

import random
from pathlib import Path

from recipes.skyrl_swe.tasks import Script, Task

LONGEST_ATTEMPT = 12
"""Turns that an attempt has at most, detours included: the default of ``rollout.max_turns``."""
MOST_LOOKS = 3
"""Turns spent on reading before the script starts; at least one where there is room."""
MOST_CHECKS = 3
"""Turns spent on looking over the work before it is submitted; at least one where there is room."""

OPENINGS = (
    "The report is clear enough to start with.",
    "First I want to know where this can come from.",
    "I take the issue at its word and work backwards from the symptom.",
    "Before I touch anything I make sure that I understand what is asked for.",
    "This sounds like a small mistake with a wide effect.",
    "I would rather find the cause than patch the place where it shows.",
    "The example in the issue tells what to look for.",
    "Somebody has narrowed it down already, which helps.",
    "I do not know this project yet, so I go step by step.",
    "There may be more than one place that is involved.",
    "The expected behaviour is stated, so I know when I am done.",
    "I keep in mind that the existing tests pass with the bug in place.",
)
PLANS = (
    "Read, reproduce, change, check: in that order.",
    "I will keep the change as small as the issue allows.",
    "A reproduction comes first, then the repair.",
    "I note what else uses the same code, so that nothing else changes.",
    "Once the cause is found the repair should be short.",
    "I will look at the neighbouring functions as well.",
    "The visible tests stay as they are.",
    "At the end I compare with the issue sentence by sentence.",
    "I start at the public function and follow the calls.",
    "I expect to need a few looks around before I can say more.",
    "If the first idea is wrong I go back and try the next.",
    "What the documentation promises decides in case of doubt.",
)
LOOKS = (
    ("I read {path}.", "cat {path}"),
    ("Let me go through {path} with line numbers.", "nl -ba {path} | head -n 80"),
    ("Let me see how {path} starts.", "sed -n '1,60p' {path}"),
    ("The end of {path} may matter too.", "tail -n 60 {path}"),
    ("An outline first, then {path} itself.", "grep -n 'def \\|class ' {path} && cat {path} | head -n 60"),
    ("What does the project say about itself?", "ls && head -n 40 README.md"),
)
CHECKS = (
    ("One more look at the whole change.", "git diff"),
    ("Is anything changed that should not be?", "git status --short && git diff --stat"),
    ("No whitespace errors, I hope.", "git diff --check && git diff | tail -n 12"),
    ("Which lines did I touch?", "git diff --unified=1"),
)


def replies(task: Task, script: Script, seed: str) -> tuple[str, ...]:
    """The script's messages with the detours of one attempt. Depends on its arguments alone."""
    chooser = random.Random(seed)
    room = max(0, LONGEST_ATTEMPT - len(script.replies))
    looks = min(room, chooser.randint(1, MOST_LOOKS))
    checks = min(room - looks, chooser.randint(1, MOST_CHECKS))
    files = _python_files(task.repo)
    before = [_turn(thought, command, chooser.choice(files)) for thought, command in chooser.sample(LOOKS, looks)]
    after = [_turn(thought, command, "") for thought, command in chooser.sample(CHECKS, checks)]
    first, *rest = [*before, *script.replies[:-1], *after, script.replies[-1]]
    return (f"{chooser.choice(OPENINGS)} {chooser.choice(PLANS)} {first}", *rest)


def _turn(thought: str, command: str, path: str) -> str:
    return f"{thought.format(path=path)}\n\n```bash\n{command.format(path=path)}\n```"


def _python_files(repo: Path) -> list[str]:
    found = (path.relative_to(repo).as_posix() for path in repo.rglob("*.py"))
    return sorted(name for name in found if not name.endswith("__init__.py"))
