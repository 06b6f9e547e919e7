"""What README.md, the documents and the examples show is run, or looked at as far as it can be here (``tests/docs/blocks``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks.pages import ROOT, blocks, pages
from tests.docs.blocks.running import Reader
from tests.docs.blocks.served import served
from tests.docs.blocks.typed import problems

AT_MOST_NOT_RUN = 0.2
"""Share of blocks that install software, need root, or are another project's commands."""
AT_LEAST_RUN = 0.35
"""The others are command lines for GPUs."""
pytestmark = pytest.mark.xdist_group("blocks")  # one gateway serves them all


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served(tmp_path_factory.mktemp("served")) as told:
        yield told


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_works(page: Path, ports: dict[str, str], tmp_path: Path) -> None:
    with Reader(tmp_path, ports) as reader:
        for block in blocks(page):
            problem = reader.read(block)
            if problem:
                pytest.fail(problem, pytrace=False)


def test_most_of_what_is_shown_is_run() -> None:
    """Nobody hides pages behind marks."""
    shown = [block for page in pages() for block in blocks(page) if block.language in ("bash", "python")]
    marks = Counter(block.mark for block in shown)
    assert marks["no"] <= AT_MOST_NOT_RUN * len(shown), [str(block) for block in shown if block.mark == "no"]
    assert marks[""] + marks["background"] + marks["elsewhere"] >= AT_LEAST_RUN * len(shown), marks


def test_python_that_cannot_run_here_is_typed(tmp_path: Path) -> None:
    found = problems(pages(), tmp_path)
    assert not found, "\n".join(found)
