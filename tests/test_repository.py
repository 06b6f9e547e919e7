"""What a public repository needs is there, and true."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""
CHECKED = {
    "vendor.github-workflows": [*(GITHUB / "workflows").glob("*.yml")],
    "vendor.github-issue-forms": [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug_report.yml", "feature_request.yml")],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    """``[project]`` of pyproject.toml."""
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def test_the_licence_is_apache_2_to_the_letter(project: dict[str, object]) -> None:
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_the_readmes_badges_agree_with_the_project(project: dict[str, object]) -> None:
    (badges,) = [line for line in (ROOT / "README.md").read_text().splitlines() if " · " in line]
    oldest = str(project["requires-python"]).removeprefix(">=")
    assert badges == f"[{project['license']}](LICENSE) · Python {oldest} or newer · Linux · typed · alpha"
    classifiers = project["classifiers"]
    assert isinstance(classifiers, list)
    assert {"Typing :: Typed", "Operating System :: POSIX :: Linux", "Development Status :: 3 - Alpha"} <= set(classifiers)
    assert (ROOT / "thunderagent" / "py.typed").is_file()


def test_the_citation_names_the_paper_as_the_readme_does(project: dict[str, object]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (paper,) = citation["references"]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert citation["license"] == project["license"]
    assert paper["title"] in readme
    assert " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"]) in readme
    assert paper["url"].rpartition("/")[2] in readme


@pytest.mark.parametrize("schema", CHECKED)
def test_what_the_code_host_reads_is_as_its_schema_wants(schema: str) -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, CHECKED[schema])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_workflows_run_scripts_that_there_are_on_pythons_that_are_supported(project: dict[str, object]) -> None:
    for path in CHECKED["vendor.github-workflows"]:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                script = step.get("run", "").split(" ")[0]
                assert not script.startswith("scripts/") or (ROOT / script).is_file(), f"{path.name}: there is no {script}"
    pythons = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == project["requires-python"]
