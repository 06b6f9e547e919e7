"""Tiny experiments."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.support import SPEC
from thunderagent.simulation.catalogue import SEARCH
from thunderagent.simulation.experiments import Batch, Steady

CROWDED = replace(SPEC, kv_capacity_tokens=16_000)
STEADY = Steady(SEARCH, 2.0, warm_up_s=15.0, measured_s=60.0)
BATCH = Batch(replace(SEARCH, name="batch", group_size=3), 2)
