"""A gateway with a store that is killed while programs have local sandboxes: commands end, files stay."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.adapters.tools.killed import agents, programs_keep_their_sandboxes
from tests.adapters.tools.local import needs_bubblewrap

pytestmark = needs_bubblewrap


def test_programs_keep_their_files_and_all_else_of_the_dead_gateway_goes(tmp_path: Path) -> None:
    root = tmp_path / "root"

    async def names() -> set[str]:
        return {path.name for path in root.iterdir() if path.suffix != ".json"}

    async def leave_orphan(like: str) -> None:
        labels = json.loads((root / f"{like}.json").read_text())
        (root / "orphan" / "tree").mkdir(parents=True)
        (root / "orphan.json").write_text(json.dumps(labels))

    async def scenario() -> None:
        async with agents(tmp_path, "--tools", "bubblewrap", "--tools-folder", str(root)) as here:
            await programs_keep_their_sandboxes(here, {"reusable": False}, names, leave_orphan)

    asyncio.run(scenario())
