from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.profile_columns import SCHEMA_ROW, table
from thunderagent.runtime import StepProfile
from thunderagent.runtime.profile import SCHEMA
from thunderagent.runtime.tools.profile import SandboxProfile

DOCS = Path(__file__).parents[2] / "docs" / "observability.md"


@pytest.mark.parametrize("kind", [StepProfile, SandboxProfile])
def test_every_column_is_in_the_docs_as_in_the_code(kind: type[Any]) -> None:
    assert table(kind) in DOCS.read_text(encoding="utf-8"), "python -m tests.docs.profile_columns makes it"
    assert SCHEMA_ROW.endswith(f" {SCHEMA} |")
