"""Environments for engines, each with its own locked packages, beside the project's: `.venv-vllm`, `.venv-mocker`.

Runs with any Python from 3.11 on and the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
ROOT = SCRIPTS.parent


@dataclass(frozen=True)
class Environment:
    """One environment: where it is, what is in it, and which script makes it."""

    script: str
    lock: Path
    folder: Path
    with_dependencies: str = ""
    """A package of the lock that is installed with its dependencies: PyTorch's default build for Linux needs its own
    CUDA packages even where there is no GPU. All others are locked completely."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Says what the folder was made from."""
        return self.folder / "engine-setup"

    def ready(self) -> bool:
        """Whether it was made from the lock as it is now."""
        return self.stamp.exists() and self.stamp.read_text(encoding="utf-8") == self._wanted()

    def require(self) -> None:
        """End with what to do about it if it is not there, or not up to date."""
        if not self.ready():
            state = "is out of date" if self.stamp.exists() else "does not exist"
            sys.exit(f"error: {self.folder.name} {state}: run scripts/{self.script} setup first")

    def make(self) -> None:
        """Make it, once; nothing is installed outside of its folder."""
        if self.ready():
            return
        if sys.version_info < (3, 11):  # noqa: UP036  (what the user's python3 is, is not the project's choice)
            sys.exit(f"error: Python {sys.version.split()[0]} is too old, 3.11 or newer is needed; set PYTHON")
        print(f"setting up {self.folder.name} (once; some minutes)", file=sys.stderr, flush=True)
        _run(sys.executable, "-m", "venv", str(self.folder))
        pip = (str(self.python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
        _run(*pip, "--upgrade", "pip>=25")
        lines = [line for line in self.lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        apart = [line for line in lines if self.with_dependencies and line.startswith(f"{self.with_dependencies}==")]
        if apart:
            _run(*pip, *apart)
        rest = self.folder / "locked.txt"
        rest.write_text("\n".join(line for line in lines if line not in apart) + "\n", encoding="utf-8")
        _run(*pip, "--no-deps", "-r", str(rest))
        self.stamp.write_text(self._wanted(), encoding="utf-8")

    def replace_this_process(self, *arguments: str, variables: dict[str, str] | None = None) -> None:
        """Go on as this environment's Python, with the same process id: whoever started us can end it."""
        os.execve(self.python, [str(self.python), *arguments], {**os.environ, **(variables or {})})

    def _wanted(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


def _run(*command: str) -> None:
    ended = subprocess.run(command, check=False)
    if ended.returncode:
        sys.exit(f"error: {' '.join(command[:6])} ... ended with {ended.returncode}")
