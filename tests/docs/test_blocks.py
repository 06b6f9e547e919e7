"""What README.md, the documents and the examples show is run, or looked at as far as it can be here (``tests/docs/blocks``)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks.pages import ROOT, Block, blocks, pages
from tests.docs.blocks.running import BlockFailed, Reader
from tests.docs.blocks.served import served

pytestmark = pytest.mark.xdist_group("blocks")  # one gateway serves them all


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served(tmp_path_factory.mktemp("served")) as told:
        yield told


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_works(page: Path, ports: dict[str, str], tmp_path: Path) -> None:
    with Reader(tmp_path, ports) as reader:
        for block in blocks(page):
            try:
                reader.read(block)
            except BlockFailed as failure:
                pytest.fail(str(failure), pytrace=False)
