"""The bug-fix tasks: a repository, an issue, hidden tests, and scripts that the replay policy plays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TASKS_DIR = Path(__file__).parent / "tasks"
SUBMIT = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"

SYSTEM_PROMPT = f"""\
You are a careful software engineer. You repair one reported bug in a small Python project that lies in /testbed.

# How to answer
Answer every turn with one or two sentences of thought and EXACTLY ONE bash block:

```bash
your command here
```

The command runs in a fresh shell in /testbed; its return code and output come back. Several commands can be joined with && or a
here-document; a change of directory or a variable does not last beyond its turn. An answer with no block, or with more than one,
is not carried out. There is no network, and nobody answers questions: use commands that need no input, and no editors.

# What to do
1. Find the code that the issue is about and read it.
2. Reproduce the problem with a short script.
3. Repair the cause in the source, as generally as the issue asks for and no more. Keep the change small.
4. Run your script again and look at the cases next to it.
5. Run the project's tests: `python3 -m unittest discover -s tests -t .`

Leave the tests and what the issue does not ask for as they are. Your repair is judged by tests that you do not see.

# The end
When the bug is repaired, submit with:

```bash
echo {SUBMIT} && git add -A && git diff --cached
```
"""

INSTANCE_PROMPT = """\
Task: {task_id}

# {title}

{issue}

# Files
{files}
"""


@dataclass(frozen=True)
class Script:
    """One scripted trajectory: the assistant's messages, turn by turn, and the reward that its end earns."""

    name: str
    reward: int
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """One bug to fix."""

    id: str
    title: str
    issue: str
    repo: Path
    hidden_test: Path
    scripts: tuple[Script, ...]

    def prompt(self) -> list[dict[str, str]]:
        """The first messages of every attempt at it."""
        files = sorted(p.relative_to(self.repo).as_posix() for p in self.repo.rglob("*") if p.is_file() and p.suffix != ".pyc")
        instance = INSTANCE_PROMPT.format(task_id=self.id, title=self.title, issue=self.issue.strip(), files="\n".join(files))
        return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": instance}]


@cache
def load_tasks() -> dict[str, Task]:
    """All tasks by id, in the order of their ids."""
    return {folder.name: _load(folder) for folder in sorted(TASKS_DIR.iterdir()) if (folder / "task.yaml").is_file()}


def _load(folder: Path) -> Task:
    import yaml

    about: dict[str, Any] = yaml.safe_load((folder / "task.yaml").read_text(encoding="utf-8"))
    paths: list[dict[str, Any]] = yaml.safe_load((folder / "paths.yaml").read_text(encoding="utf-8"))
    return Task(
        id=folder.name,
        title=about["title"].strip(),
        issue=about["issue"],
        repo=folder / "repo",
        hidden_test=folder / "hidden" / "test_hidden.py",
        scripts=tuple(Script(path["name"], path["reward"], tuple(_reply(turn) for turn in path["turns"])) for path in paths),
    )


def _reply(turn: dict[str, str]) -> str:
    if "response" in turn:
        return turn["response"].strip()
    return f"{turn['thought'].strip()}\n\n```bash\n{turn['command'].strip()}\n```"
