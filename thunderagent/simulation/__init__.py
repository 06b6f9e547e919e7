"""A model of an inference engine, pure: no asyncio, no clock, no I/O; time is an argument."""

from thunderagent.simulation.calibration import Calibration, DecodeSample, PrefillSample, calibrate
from thunderagent.simulation.engine import SimulatedEngine
from thunderagent.simulation.events import (
    EngineCounters,
    Event,
    Finished,
    FirstToken,
    Preempted,
    RequestRecord,
    StepResult,
)
from thunderagent.simulation.kv_cache import KVCache
from thunderagent.simulation.presets import PRESETS
from thunderagent.simulation.spec import EngineSpec

__all__ = [
    "PRESETS",
    "Calibration",
    "DecodeSample",
    "EngineCounters",
    "EngineSpec",
    "Event",
    "Finished",
    "FirstToken",
    "KVCache",
    "Preempted",
    "PrefillSample",
    "RequestRecord",
    "SimulatedEngine",
    "StepResult",
    "calibrate",
]
