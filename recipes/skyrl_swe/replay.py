"""The seeded policy that answers for a model when the engine is simulated: it plays one script of the task per attempt.

Which script, and with which detours, depends on the seed and the session (prompt row and repetition) alone, never on timing: the
same seed gives every trajectory the same answers under every scheduler.
"""

from __future__ import annotations

import random
import re

from recipes.skyrl_swe import detours
from recipes.skyrl_swe.tasks import SUBMIT, Script, Task, load_tasks

TASK_LINE = re.compile(r"^Task: (\S+)$", re.MULTILINE)
ASSISTANT = "<|im_start|>assistant"
GIVE_UP = f"I have done what I can here.\n\n```bash\necho {SUBMIT} && git add -A && git diff --cached\n```"


class Replay:
    """An ``Answers`` policy of the simulated engine."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The session's next message; a prompt of no known task is answered by giving up."""
        named = TASK_LINE.search(prompt_text)
        task = load_tasks().get(named.group(1)) if named else None
        if task is None:
            return GIVE_UP
        replies = self.replies(task, session_id or "")
        turn = prompt_text.count(ASSISTANT) - 1  # the last one opens the answer that is asked for
        return replies[turn] if turn < len(replies) else GIVE_UP

    def replies(self, task: Task, session_id: str) -> tuple[str, ...]:
        """All messages of a session."""
        return detours.replies(task, self.script(task, session_id), f"detours/{self._seed}/{task.id}/{session_id}")

    def script(self, task: Task, session_id: str) -> Script:
        """The script that a session plays."""
        return random.Random(f"{self._seed}/{task.id}/{session_id}").choice(task.scripts)


def replay(seed: int) -> Replay:
    """Factory for the engine's ``--answers``."""
    return Replay(int(seed))
