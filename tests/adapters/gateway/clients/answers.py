"""What the embedded engine's model says to these tests: it repeats the last message, or repairs ``calc.py`` in two steps."""

from __future__ import annotations

from thunderagent.adapters.engines.simulated import Echo

TASK = "mul in calc.py adds"
REPAIR = (
    "It adds.\n```mswea_bash_command\nsed -i 's/a + b/a * b/' calc.py && cat calc.py\n```",
    "Done.\n```mswea_bash_command\necho COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat calc.py\n```",
)
"""mini-swe-agent's form of a command, and of a submission."""


class Scripted:
    """Answers turn by turn where the task is known."""

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The n-th answer of the script in the n-th turn."""
        if TASK not in prompt_text:
            return Echo().answer(prompt_text, session_id)
        turn = prompt_text.count("<|im_start|>assistant") - 1
        return REPAIR[min(turn, len(REPAIR) - 1)]


def scripted() -> Scripted:
    """For ``--answers``."""
    return Scripted()
