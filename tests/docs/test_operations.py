"""The page on operations names every reason for which a gateway is not ready."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

from thunderagent.adapters.gateway.manage.health import Ready

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_reason_for_not_being_ready_is_explained() -> None:
    table = PAGE.split("| `/ready` says |")[1].split("\n\n")[0]
    (names,) = get_args(get_type_hints(Ready)["problems"])
    assert sorted(re.findall(r"(?m)^\| `(\w+)` \|", table)) == sorted(get_args(names))
