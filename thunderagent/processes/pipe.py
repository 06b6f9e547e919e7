"""What a child tells its supervisor, and how either is told anything: pickled, with its length in front."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.errors import ThunderAgentError

LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Ready:
    """It serves."""

    url: str
    engines: tuple[EngineStatus, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot, for a reason that the user can do something about."""

    error: ThunderAgentError


def framed(item: object) -> bytes:
    """For a pipe."""
    data = pickle.dumps(item)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data
