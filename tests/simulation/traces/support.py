from __future__ import annotations

import json
from typing import Any

from thunderagent.simulation.script import Script
from thunderagent.simulation.traces import ImportedTrace, ImportOptions, read_trace


def read(records: list[dict[str, Any]], format: str | None = None, **options: Any) -> ImportedTrace:
    return read_trace([json.dumps(record) + "\n" for record in records], format, ImportOptions(**options))


def sizes(script: Script) -> list[tuple[int, int]]:
    """Whole prompt and answer of each turn."""
    contexts = [0, *script.contexts()]
    return [(turn.prompt_tokens(context), turn.output_tokens) for turn, context in zip(script.turns, contexts[:-1], strict=True)]


def kept(script: Script) -> list[int | None]:
    return [turn.kept_tokens for turn in script.turns]
