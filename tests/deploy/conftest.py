from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/thunderagent"
FOLDER = ROOT / "outputs/deploy-tools"
ENGINE = "http://gpu1:8000"


@dataclass(frozen=True)
class Tools:
    """Made by the fixture ``tools``."""

    folder: Path

    def hadolint(self, dockerfile: Path) -> str:
        """What it finds."""
        return self._run(self.folder / "lib/bin/hadolint", dockerfile).stdout

    def helm(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Its command line."""
        return self._run(self.folder / "helm", *arguments)

    def render(self, **values: Any) -> list[dict[str, Any]]:
        """The chart's objects; ``values`` beside one engine."""
        text = yaml.safe_dump({"engines": [ENGINE], **values})
        done = self._run(self.folder / "helm", "template", "release", CHART, "--namespace", "agents", "--values", "-", given=text)
        assert done.returncode == 0, done.stderr
        return [found for found in yaml.safe_load_all(done.stdout) if found]

    def refused(self, **values: Any) -> str:
        """Why the chart does not take these values."""
        given = yaml.safe_dump({"engines": [ENGINE], **values})
        done = self._run(self.folder / "helm", "template", "release", CHART, "--values", "-", given=given)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def validate(self, objects: list[dict[str, Any]], version: str) -> str:
        """What is wrong with objects by Kubernetes' own schemas of a version; empty: nothing."""
        library = os.pathsep.join((str(self.folder / "lib"), os.environ.get("PYTHONPATH", "")))
        command = [sys.executable, self.folder / "lib/bin/kubernetes-validate", "--strict", "--kubernetes-version", version, "-"]
        given = yaml.safe_dump_all(objects)
        done = self._run(*command, given=given, environment={"PYTHONPATH": library})
        return "" if done.returncode == 0 else done.stdout + done.stderr

    @staticmethod
    def _run(
        *command: object, given: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        variables = os.environ | (environment or {})
        return subprocess.run([*map(str, command)], input=given, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def tools() -> Tools:
    """Of ``scripts/deploy-tools setup``."""
    if not (FOLDER / "stamp").exists():
        pytest.skip("no helm, hadolint and kubernetes-validate: scripts/deploy-tools setup has not been run")
    return Tools(FOLDER)
