"""Environments for engines, each with its own locked packages, shared by all checkouts of a user.

They are in the user's cache folder: `$XDG_CACHE_HOME/thunderagent/engines/NAME-HASH`, HASH being that of the lock file;
THUNDERAGENT_ENGINES names another folder. Runs with any Python from 3.11 on and the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
ROOT = SCRIPTS.parent
MODEL_MAKER = SCRIPTS / "engines" / "tiny_model.py"
TRIES = 3
"""Of an installation: pip itself tries a file that breaks off only once."""
PAUSE_S = 10.0
"""Before another try: most hiccups of a network are over by then."""
OLD_S = 24 * 3600.0
"""An environment of another lock that nobody started anything from for so long is removed by the next setup."""


def cache() -> Path:
    """Where the environments are."""
    told = os.environ.get("THUNDERAGENT_ENGINES")
    if told:
        return Path(told).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "thunderagent" / "engines"


@dataclass(frozen=True)
class Environment:
    """One environment: which script makes it, and what is in it."""

    script: str
    lock: Path
    with_dependencies: str = ""
    """A package of the lock that is installed with its dependencies: PyTorch's default build for Linux needs its own
    CUDA packages even where there is no GPU. All others are locked completely."""

    @property
    def name(self) -> str:
        """Of the engine."""
        return self.script.removeprefix("real-")

    @property
    def folder(self) -> Path:
        """Where it is."""
        return cache() / f"{self.name}-{_hash(self.lock)}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Written when all is there; touched whenever something is started."""
        return self.folder / "complete"

    def ready(self) -> bool:
        """Whether it is there, whole, and the Python that made it, too."""
        return self.stamp.exists() and self.python.exists()

    def require(self, tiny_model: bool = False) -> None:
        """End with what to do about it if it, or also its tiny model, is not there."""
        if not self.ready() or (tiny_model and not self.has_tiny_model()):
            sys.exit(f"error: there is no environment for {self.name} as locked: run scripts/{self.script} setup first")
        self.stamp.touch()

    def make(self) -> None:
        """Make it, once; nothing is installed outside of its folder.

        A second setup at the same time waits for the first one. One that was ended halfway is made anew.
        """
        if sys.version_info < (3, 11):  # noqa: UP036  (what the user's python3 is, is not the project's choice)
            sys.exit(f"error: Python {sys.version.split()[0]} is too old, 3.11 or newer is needed; set PYTHON")
        with self._alone():
            if self.ready():
                self.stamp.touch()
                return
            begin_s = time.monotonic()
            print(f"setting up {self.folder} (once; some minutes)", file=sys.stderr, flush=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            self._install()
            self.stamp.touch()
            self._remove_old()
            print(f"took {time.monotonic() - begin_s:.0f} s, {_size_gb(self.folder):.1f} GB", file=sys.stderr, flush=True)

    def tiny_model(self) -> Path:
        """A model that its `tiny_model.py` makes: another one whenever that has changed."""
        return self.folder / f"tiny-model-{_hash(MODEL_MAKER)}"

    def make_tiny_model(self) -> None:
        """Make it, once."""
        if not self.has_tiny_model():
            self.make_model(self.tiny_model())

    def has_tiny_model(self) -> bool:
        """Whether all of it is there."""
        return (self.tiny_model() / "generation_config.json").exists()  # the last that is written

    def make_model(self, folder: Path, *options: str) -> None:
        """Any other."""
        subprocess.run([str(self.python), str(MODEL_MAKER), str(folder), *options], check=True)

    def replace_this_process(self, *arguments: str, variables: dict[str, str] | None = None) -> None:
        """Go on as this environment's Python, with the same process id: whoever started us can end it."""
        os.execve(self.python, [str(self.python), *arguments], {**os.environ, **(variables or {})})

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The system lets go of the lock when this process ends, however it does."""
        cache().mkdir(parents=True, exist_ok=True)
        with (cache() / f"{self.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _install(self) -> None:
        _run(sys.executable, "-m", "venv", str(self.folder))
        lines = [line for line in self.lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        apart = [line for line in lines if self.with_dependencies and line.startswith(f"{self.with_dependencies}==")]
        rest = self.folder / "locked.txt"
        rest.write_text("\n".join(line for line in lines if line not in apart) + "\n", encoding="utf-8")
        # What was downloaded is kept for another try, and no longer.
        with tempfile.TemporaryDirectory(dir=self.folder) as downloads:
            pip = (str(self.python), "-m", "pip", "--disable-pip-version-check", "--quiet", "--cache-dir", downloads, "install")
            _run(*pip, "--upgrade", "pip>=25", tries=TRIES)
            if apart:
                _run(*pip, *apart, tries=TRIES)
            # Compiled now: without, every start of an engine takes twice as long.
            _run(*pip, "--no-deps", "--compile", "-r", str(rest), tries=TRIES)

    def _remove_old(self) -> None:
        for other in cache().glob(f"{self.name}-*"):
            used = other / "complete" if (other / "complete").exists() else other
            if other != self.folder and time.time() - used.stat().st_mtime > OLD_S:
                print(f"removing {other}, which nothing was started from lately", file=sys.stderr, flush=True)
                shutil.rmtree(other, ignore_errors=True)


def _run(*command: str, tries: int = 1) -> None:
    """Quiet if it goes well; what it said is shown if it does not."""
    for left in reversed(range(tries)):
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if not ended.returncode:
            return
        said = [line for line in ended.stdout.splitlines() if not line.startswith("WARNING")]
        print("\n".join(said[-20:]), file=sys.stderr, flush=True)
        if left:
            print(f"trying again in {PAUSE_S:g} s", file=sys.stderr, flush=True)
            time.sleep(PAUSE_S)
    sys.exit(f"error: {' '.join(command[:4])} ... ended with {ended.returncode}")


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _size_gb(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 1e9
