"""The backend: sandboxes in folders, commands in bubblewrap."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from thunderagent.adapters.tools.bubblewrap.availability import why_not
from thunderagent.adapters.tools.bubblewrap.folders import Folders
from thunderagent.adapters.tools.bubblewrap.jail import arguments, has_shell, workdir_of
from thunderagent.adapters.tools.bubblewrap.processes import kill, kill_strays, run
from thunderagent.errors import ConfigError, SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest

SHOWN_CHARACTERS = 500
"""Of the output of a setup that failed: its end, where the reason is."""


class BubblewrapBackend:
    """Local sandboxes, for programs that need a shell and files, on Linux.

    - Its **working tree** is writable and lies at the request's ``workdir``, else at /workspace; so is a /tmp of its own. Both
      persist between commands. All else is read-only.
    - Its **image** is a folder of this machine. One with a ``bin/sh`` is its root file system, read-only; what that has at
      ``workdir`` is copied into the working tree. The files of any other folder (a repository) are copied into the working tree,
      links kept, and the root is this machine's own /usr, /bin, /lib, /etc and Python; so it is without an image. Whoever may
      ask for sandboxes can thus read all folders that this process can, unless ``image_roots`` say which.
    - Every command has its own **processes**, which all end with it. It sees none of our environment variables.
    - **Memory** is bounded for each process (``RLIMIT_DATA``), not for all together: cgroups are not ours everywhere.
    - **Network**: none, or the machine's.
    """

    name = "bubblewrap"

    def __init__(self, folder: str | None = None, image_roots: Sequence[str] | None = None) -> None:
        """Nothing is made yet.

        Args:
            folder: where sandboxes have their files; None: ``thunderagent/sandboxes`` in the user's cache.
            image_roots: images are these folders, and what is in them; None: any folder.

        Raises:
            ConfigError: bubblewrap does not work here, or the folder cannot be written.
        """
        if problem := why_not():
            raise ConfigError("tools.backend", "bubblewrap", problem)
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        root = Path(folder).expanduser().absolute() if folder else cache / "thunderagent" / "sandboxes"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(root, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            raise ConfigError("tools.folder", root, "must be a folder that can be written")
        self._bwrap = shutil.which("bwrap") or "bwrap"
        self._folders = Folders(root)
        self._image_roots = None if image_roots is None else [Path(one).expanduser().resolve() for one in image_roots]
        self._running: dict[str, set[Process]] = {}
        """Commands by sandbox."""
        self._leaving: set[str] = set()
        """That are being removed."""
        self._made: set[str] = set()
        """By this process."""

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """Make its folder, copy what it begins with, run its setup."""
        source = await asyncio.to_thread(_source, request, self._image_roots)
        self._made.add(sandbox_id)
        await self._folders.make(sandbox_id, labels, source)
        output = await self.execute(sandbox_id, request, Command(request.setup or ":"))
        if output.exit_code:
            what, said = "its setup" if request.setup else "a first command", output.text.strip()[-SHOWN_CHARACTERS:]
            raise SandboxProblem(f"{what} ended with exit code {output.exit_code}: {said}", permanent=not request.setup)
        sizes = await self._folders.disk_bytes([sandbox_id])
        return Made(sizes.get(sandbox_id), image_bytes=0 if request.image else None)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        """Run it by bash, or by sh where there is none."""
        words = await asyncio.to_thread(self._words, sandbox_id, request, command)
        running = self._running.setdefault(sandbox_id, set())
        try:
            output = await run(self._bwrap, *words, environment={}, timeout_s=command.timeout_s, running=running)
        finally:
            if not running:
                self._running.pop(sandbox_id, None)
        if output.exit_code and not await asyncio.to_thread(self._is_there, sandbox_id):
            raise _gone(sandbox_id)
        return output

    async def remove(self, sandbox_id: str) -> None:
        """End its commands, remove its folder."""
        self._leaving.add(sandbox_id)
        try:
            for process in self._running.get(sandbox_id, ()):
                kill(process)
            if sandbox_id not in self._made:
                await asyncio.to_thread(kill_strays, self._folders.tree(sandbox_id))
            await self._folders.remove(sandbox_id)
            self._made.discard(sandbox_id)
        finally:
            self._leaving.discard(sandbox_id)

    async def attach(self, name: str) -> str:
        """There is nothing to attach."""
        raise SandboxGone(f"there is no container {name!r}: bubblewrap has none that others made")

    async def found(self) -> list[Found]:
        """All in this folder."""
        labels = await self._folders.all_labels()
        sizes = await self._folders.disk_bytes(labels)
        return [Found(sandbox_id, labels[sandbox_id], sizes.get(sandbox_id)) for sandbox_id in labels]

    async def images(self) -> dict[str, int]:
        """Folders are the user's."""
        return {}

    async def remove_image(self, image: str) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """There are no connections."""

    def _is_there(self, sandbox_id: str) -> bool:
        return sandbox_id not in self._leaving and self._folders.is_there(sandbox_id)

    def _words(self, sandbox_id: str, request: SandboxRequest, command: Command) -> list[str]:
        if not self._is_there(sandbox_id):
            raise _gone(sandbox_id)
        root = Path(request.image) if request.image and has_shell(Path(request.image)) else None
        return arguments(root, self._folders.tree(sandbox_id), self._folders.tmp(sandbox_id), request, command)


def _source(request: SandboxRequest, image_roots: Sequence[Path] | None) -> Path | None:
    """The folder whose files the working tree begins with; None: it is empty."""
    workdir, image = workdir_of(request), Path(request.image)
    if not request.image:
        return None
    if image_roots is not None and not any(image.resolve().is_relative_to(one) for one in image_roots):
        raise SandboxProblem(f"image {request.image!r} is not in a folder that images may be taken from", permanent=True)
    if not image.is_absolute() or not image.is_dir():
        raise SandboxProblem(f"image {request.image!r} must be the absolute path of a folder of this machine", permanent=True)
    if not has_shell(image):
        return image
    own = image / workdir[1:]
    return own if own.is_dir() and own.resolve().is_relative_to(image.resolve()) else None


def _gone(sandbox_id: str) -> SandboxGone:
    return SandboxGone(f"sandbox {sandbox_id!r} is not there any more")
