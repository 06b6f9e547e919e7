"""What a command in a sandbox sees: its own files, those of a system to read, nothing else."""

from __future__ import annotations

import os
import posixpath
import sys
from pathlib import Path

from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Command, SandboxRequest

WORKDIR = "/workspace"
"""Where the files of a sandbox are, if its request names no place."""
ISOLATION = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
"""Namespaces of its own: all processes of a command end with it, and it with us. Not even root's powers are left."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", sys.base_prefix)
"""Of this machine, for sandboxes without a root file system of their own; Python may be installed elsewhere."""
OWN_MOUNTS = frozenset({"proc", "dev", "tmp"})
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def has_shell(folder: Path) -> bool:
    """Whether it is a root file system: commands can be run by a shell of it."""
    return os.path.lexists(folder / "bin" / "sh")


def workdir_of(request: SandboxRequest) -> str:
    """Where its files are.

    Raises:
        SandboxProblem: they cannot be there.
    """
    workdir = request.workdir or WORKDIR
    if not workdir.startswith("/") or workdir.startswith("//") or posixpath.normpath(workdir) != workdir or workdir == "/":
        raise SandboxProblem(f"workdir {workdir!r} must be an absolute path below /, without . and ..", permanent=True)
    return workdir


def root_mounts(root: Path | None) -> list[str]:
    """A root file system to read, as arguments for bwrap; None: this machine's, as far as programs need it.

    Its top folders are bound one by one, so that others can be beside them.
    """
    mounts = ["--proc", "/proc", "--dev", "/dev"]
    if root is None:
        return [*(word for path in SYSTEM for word in ("--ro-bind-try", path, path)), *mounts]
    for entry in sorted(root.iterdir()):
        if entry.name in OWN_MOUNTS:
            continue
        target = f"/{entry.name}"
        mounts += ["--symlink", str(entry.readlink()), target] if entry.is_symlink() else ["--ro-bind", str(entry), target]
    return mounts


def arguments(root: Path | None, tree: Path, tmp: Path, request: SandboxRequest, command: Command) -> list[str]:
    """For bwrap, to run one command.

    Its environment is given here, and not to bwrap, which is outside of the sandbox (``LD_PRELOAD``).
    """
    workdir = workdir_of(request)
    environment = {**_environment(root), **request.environment, **command.environment}
    return [
        *ISOLATION,
        *root_mounts(root),
        *(("--share-net", *_names_of_hosts(root)) if request.network else ()),
        *("--bind", str(tmp), "/tmp", "--bind", str(tree), workdir, "--chdir", command.workdir or workdir),
        *(word for name, value in environment.items() for word in ("--setenv", name, value)),
        *_shell(root, request.memory_bytes, command.line),
    ]


def _environment(root: Path | None) -> dict[str, str]:
    path = SYSTEM_PATH if root is not None else f"{Path(sys.base_prefix) / 'bin'}:{SYSTEM_PATH}"
    return {"PATH": path, "HOME": "/tmp", "LC_ALL": "C.UTF-8"}


def _names_of_hosts(root: Path | None) -> list[str]:
    """As names are resolved here. The file is often a link out of /etc; where there is none, there can be none in its place."""
    ours = os.path.realpath("/etc/resolv.conf")
    if root is None:
        return ["--ro-bind-try", ours, ours]
    theirs = root / "etc" / "resolv.conf"
    return ["--ro-bind-try", ours, "/etc/resolv.conf"] if theirs.is_file() and not theirs.is_symlink() else []


def _shell(root: Path | None, memory_bytes: int, line: str) -> list[str]:
    folder = root or Path("/")
    has_bash = any(os.path.lexists(folder / path) for path in ("bin/bash", "usr/bin/bash"))
    shell = "bash" if has_bash else "sh"
    if not memory_bytes:
        return [shell, "-c", line]
    return ["sh", "-c", f'ulimit -d {max(1, memory_bytes // 1024)} && exec {shell} -c "$0"', line]
