"""``thunderagent grafana-dashboard``."""

from __future__ import annotations

import json

from tests.cli.support import Command
from thunderagent.adapters.gateway.grafana import dashboard


def test_the_dashboard_is_printed_and_nothing_else(thunderagent: Command) -> None:
    ran = thunderagent("grafana-dashboard")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == dashboard()
