"""Each task's project as a git repository with one commit: what every attempt begins with."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from recipes.skyrl_swe.tasks import Task

TESTBED = "/testbed"
"""Where it lies in a sandbox."""
ENVIRONMENT = {
    "HOME": "/tmp",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}
"""Of commands in it."""


def template_repository(task: Task, work_dir: Path) -> Path:
    """Made once per run and copied per attempt."""
    template = work_dir / "templates" / task.id
    if template.exists():
        return template
    (work_dir / "templates").mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=work_dir, prefix=f"template-{task.id}-"))
    shutil.copytree(task.repo, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for arguments in (["init", "-q", "--template=", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Import"]):
        identity = ["-c", "user.name=thunderagent", "-c", "user.email=thunderagent@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=building, check=True, env={**os.environ, **ENVIRONMENT})
    try:
        building.rename(template)
    except OSError:  # another attempt at the same task was faster
        shutil.rmtree(building, ignore_errors=True)
    return template


def unpacking(template: Path) -> str:
    """A shell command that puts it into a sandbox whose image is not made of it: some 20 kB, where a command may have 128."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(template, arcname=".")
    text = base64.b64encode(packed.getvalue()).decode()
    return f"mkdir -p {TESTBED} && echo {text} | base64 -d | tar xz --no-same-owner -C {TESTBED}"


def writing(name: str, content: bytes) -> str:
    """A shell command that puts a small file into it."""
    return f"echo {base64.b64encode(content).decode()} | base64 -d > {TESTBED}/{name}"
