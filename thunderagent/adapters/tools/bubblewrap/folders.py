"""The files of sandboxes, whoever owns them: ``ID.json`` has the labels, ``ID/`` all the rest.

What is in there was written by programs that nobody knows: it is removed, copied and counted by the tools of the system, which
follow no links and take folders of any depth.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from thunderagent.adapters.tools.bubblewrap.processes import run
from thunderagent.adapters.whole_file import write_whole
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Labels

T = TypeVar("T")
BLOCK_BYTES = 1024
"""Of ``du -k``."""


class Folders:
    """All methods that wait can be cancelled; what they have begun may then be left half done."""

    def __init__(self, root: Path) -> None:
        """``root`` is there."""
        self._root = root

    def tree(self, sandbox_id: str) -> Path:
        """Its working tree."""
        return self._root / sandbox_id / "tree"

    def tmp(self, sandbox_id: str) -> Path:
        """Its /tmp."""
        return self._root / sandbox_id / "tmp"

    def is_there(self, sandbox_id: str) -> bool:
        """Whether it can be used. Asks the disk."""
        return self.tree(sandbox_id).is_dir() and self._labels(sandbox_id).exists()

    async def make(self, sandbox_id: str, labels: Labels, source: Path | None) -> None:
        """With its labels from the first moment on. ``source``: a folder whose files its working tree begins with.

        Raises:
            SandboxProblem: they cannot be written.
        """
        await _to_its_end(self._make, sandbox_id, labels)
        if source is not None:
            copied = await run("cp", "-a", "--reflink=auto", "--", f"{source}/.", str(self.tree(sandbox_id)))
            if copied.exit_code:
                raise SandboxProblem(f"{source} cannot be copied: {_last_line(copied.text)}")

    async def remove(self, sandbox_id: str) -> None:
        """The labels last: as long as something is left, it is known whose it is.

        Raises:
            SandboxProblem: something cannot be removed.
        """
        folder = str(self._root / sandbox_id)
        removed = await run("rm", "-rf", "--", folder)
        if removed.exit_code:  # folders that may not be written, or processes that have not quite died
            await run("chmod", "-R", "u+rwX", "--", folder)
            removed = await run("rm", "-rf", "--", folder)
        if removed.exit_code:
            raise SandboxProblem(f"{folder} cannot be removed: {_last_line(removed.text)}")
        await _to_its_end(self._labels(sandbox_id).unlink, True)

    async def disk_bytes(self, sandbox_ids: Iterable[str]) -> dict[str, int]:
        """How much each takes, of those that are there."""
        words = [str(self._root / sandbox_id) for sandbox_id in sandbox_ids]
        if not words:
            return {}
        counted = await run("du", "-sk", "--", *words)
        sizes = {}
        for line in counted.text.splitlines():  # complaints about files that have just gone are among them
            blocks, tab, folder = line.partition("\t")
            if tab and blocks.isdecimal():
                sizes[Path(folder).name] = int(blocks) * BLOCK_BYTES
        return sizes

    async def all_labels(self) -> dict[str, Labels]:
        """Of all that exist or are being made, by id."""
        return await asyncio.to_thread(self._all_labels)

    def _labels(self, sandbox_id: str) -> Path:
        return self._root / f"{sandbox_id}.json"

    def _make(self, sandbox_id: str, labels: Labels) -> None:
        try:
            write_whole(self._labels(sandbox_id), json.dumps(dict(labels)))
            self.tree(sandbox_id).mkdir(parents=True)
            self.tmp(sandbox_id).mkdir()
        except OSError as error:
            raise SandboxProblem(f"a sandbox cannot be written: {error}") from None

    def _all_labels(self) -> dict[str, Labels]:
        found: dict[str, Labels] = {}
        for path in self._root.glob("[!.]*.json"):
            try:
                found[path.name.removesuffix(".json")] = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                pass  # it has just been removed
            except (OSError, ValueError) as error:
                raise SandboxProblem(f"{path} has no labels: {error}") from None
        return found


async def _to_its_end(function: Callable[..., T], *arguments: Any) -> T:
    """In a thread. Who is cancelled waits for it, so that whatever follows (a removal) finds all that it does."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
